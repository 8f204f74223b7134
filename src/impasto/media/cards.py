"""Style cards: the statistics of a painting in a file under a megabyte, with a thumbnail of it.

A card is one safetensors file. Per size and layer it holds the mean (float16), the standard deviations
(float16) and the correlations of the channels: the lower triangle, companded by a signed square root to
31 levels, and deflated. docs/styles.md says how near a card comes to its painting. A card that the painter
has been taught holds its tuning, too.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from impasto.errors import OptionError, StyleError
from impasto.media.files import open_input, write_whole

CARD_SUFFIX: Final = ".style"
FORMAT: Final = "impasto style card 1"
LEVELS: Final = 15
"""Steps from no correlation to a full one: together with deflate, 175 kB a size at 3 % error."""

_ABOUT: Final = ("title", "artist", "year", "source", "network", "network_sha256")
_TUNED: Final = ("painter_sha256", "steps", "photos")

Moments = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Mean (c,) and covariance (c, c)."""


@dataclass(frozen=True)
class Tuning:
    """What a painter was taught of one style.

    numbers: (c,), see `networks.painter`. painter_sha256: of the file of weights that they belong to.
    steps, photos: how long it was taught, and on how many.
    """

    numbers: NDArray[np.float32]
    painter_sha256: str
    steps: int
    photos: int


@dataclass(frozen=True)
class Card:
    """What is known of a style.

    thumbnail: (h, w, 3) uint8, sRGB.
    moments: longest side of the painting in pixels -> layer -> mean and covariance.
    network_sha256: the weights whose features were measured.
    """

    title: str
    artist: str
    year: str
    source: str
    network: str
    network_sha256: str
    thumbnail: NDArray[np.uint8]
    moments: Mapping[int, Mapping[str, Moments]]
    tuning: Tuning | None = None


def checked_place(path: Path) -> Path:
    """A path where a card may be written, as it is; OptionError for another."""
    if path.suffix != CARD_SUFFIX or not path.parent.is_dir():
        raise OptionError(
            f"{path} is no place for a card; name a file in an existing folder that ends in .style"
        )
    return path


def write_card(path: Path, card: Card) -> None:
    """Writes the file whole or not at all; OutputError when the place cannot be written."""
    arrays: dict[str, NDArray[np.generic]] = {"thumbnail": card.thumbnail}
    for size, layers in card.moments.items():
        for layer, (mean, covariance) in layers.items():
            deviation = np.sqrt(np.maximum(covariance.diagonal(), 1e-12))
            arrays[f"{size}/{layer}/mean"] = mean.astype(np.float16)
            arrays[f"{size}/{layer}/deviation"] = deviation.astype(np.float16)
            arrays[f"{size}/{layer}/correlation"] = _pack(covariance / np.outer(deviation, deviation))
    metadata = {"format": FORMAT, "about": _told(card, _ABOUT)}
    if card.tuning is not None:
        arrays["tuning"] = card.tuning.numbers.astype(np.float16)
        metadata["tuning"] = _told(card.tuning, _TUNED)
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata)
    write_whole(path, lambda file: file.write(data))


def read_card(path: Path) -> Card:
    """StyleError when the file is no style card, or is damaged."""
    try:
        data = path.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        if header["format"] != FORMAT:
            raise KeyError(header["format"])
        about = json.loads(header["about"])
        arrays = load(data)
        moments: dict[int, dict[str, Moments]] = {}
        for size, layer in {tuple(name.split("/")[:2]) for name in arrays if "/" in name}:
            moments.setdefault(int(size), {})[layer] = _unpack(
                *(arrays[f"{size}/{layer}/{part}"] for part in ("mean", "deviation", "correlation"))
            )
        if len({frozenset(layers) for layers in moments.values()}) != 1:
            raise ValueError("not the same layers at every size")
        tuning = None
        if "tuning" in header:
            tuning = Tuning(arrays["tuning"].astype(np.float32), **json.loads(header["tuning"]))
        return Card(thumbnail=arrays["thumbnail"], moments=moments, tuning=tuning, **about)
    except OSError as error:
        raise StyleError(
            f"{path} cannot be read ({error.strerror}); give a .style file or a painting."
        ) from error
    except (KeyError, TypeError, ValueError, zlib.error, SafetensorError) as error:
        raise StyleError(
            f"{path} is no style card, or is damaged; make one with: impasto style save PAINTING"
        ) from error


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open_input(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _told(of: Card | Tuning, names: Sequence[str]) -> str:
    return json.dumps({name: getattr(of, name) for name in names})


def _pack(correlation: NDArray[np.floating]) -> NDArray[np.uint8]:
    lower = correlation[np.tril_indices_from(correlation, -1)]
    companded = np.rint(np.sign(lower) * np.sqrt(np.abs(lower).clip(0, 1)) * LEVELS).astype(np.int8)
    return np.frombuffer(zlib.compress(companded.tobytes(), 9), np.uint8)


def _unpack(mean: NDArray[np.float16], deviation: NDArray[np.float16], packed: NDArray[np.uint8]) -> Moments:
    companded = np.frombuffer(zlib.decompress(packed.tobytes()), np.int8).astype(np.float32) / LEVELS
    channels = len(mean)
    correlation = np.eye(channels, dtype=np.float32)
    rows, columns = np.tril_indices(channels, -1)
    correlation[rows, columns] = correlation[columns, rows] = np.sign(companded) * companded**2
    spread = deviation.astype(np.float32)
    return mean.astype(np.float32), correlation * np.outer(spread, spread)
