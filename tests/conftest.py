"""Pictures that the tests draw for themselves."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto.networks.vgg import Vgg
from impasto.networks.weights import load_vgg

# Laws are tested, not how quickly a busy machine gets to them.
settings.register_profile("impasto", deadline=None)
settings.load_profile("impasto")

SAMPLE = Path(__file__).parents[1] / "src/impasto/data/sample.jpg"


def drawn(kind: str, width: int, height: int) -> NDArray[np.uint8]:
    """(h, w, 3) uint8: "stripes" or "dots" in strong colours, "photo" a smooth scene."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    if kind == "stripes":
        waves = np.stack([np.sin((x + y) / 5 + phase) for phase in (0, 2, 4)], -1)
        return (127 + 120 * waves).astype(np.uint8)
    if kind == "dots":
        inside = (np.hypot(x % 24 - 12, y % 24 - 12) < 7)[..., None]
        return np.where(inside, (230, 180, 20), (20, 40, 120)).astype(np.uint8)
    scene = np.stack([x / width, y / height, 1 - x / width], -1)
    scene[np.hypot(x - width / 2, y - height / 2) < height / 4] = (0.9, 0.8, 0.2)
    return (scene * 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _no_config_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer likes best is not what is tested."""
    monkeypatch.setenv("IMPASTO_CONFIG", "")


@pytest.fixture(autouse=True)
def _no_log_to_a_closed_stream() -> Iterator[None]:
    """DBOS keeps its log's stream, which may be one that pytest takes away after the test."""
    yield
    logging.getLogger("dbos").handlers.clear()


@pytest.fixture(scope="session")
def vgg() -> Vgg:
    return load_vgg()


@pytest.fixture
def picture_file(tmp_path: Path) -> Callable[..., Path]:
    def make(kind: str, name: str | None = None, size: tuple[int, int] = (128, 96)) -> Path:
        path = tmp_path / (name or f"{kind}.png")
        Image.fromarray(drawn(kind, *size)).save(path)
        return path

    return make


@pytest.fixture
def sample_grey(tmp_path: Path) -> Path:
    """The bundled photo without its colours, 160 x 107."""
    path = tmp_path / "grey.png"
    with Image.open(SAMPLE) as photo:
        photo.convert("L").resize((160, 107), Image.Resampling.LANCZOS).save(path)
    return path


def tensor(kind: str, width: int = 128, height: int = 96) -> Tensor:
    return torch.from_numpy(drawn(kind, width, height).astype(np.float32) / 255).permute(2, 0, 1)[None]
