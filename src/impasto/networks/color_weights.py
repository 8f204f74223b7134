"""Bytes -> networks that colour: ours, bundled, the one of Zhang et al. 2016, or a file of the user's."""

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from impasto.errors import WeightsError
from impasto.networks.colorizer import ColorHead, Colorizer
from impasto.networks.fetch import fetch_model, model_path
from impasto.networks.formats import fitting, read_tensors
from impasto.networks.vgg import Vgg
from impasto.networks.zhang import ZhangNet
from impasto.options import ColorNetwork


class LoadedColorist(NamedTuple):
    """A network that colours, on the CPU, and the hash of its file."""

    colorist: Colorizer | ZhangNet
    sha256: str


def load_colorist(
    vgg: Callable[[], Vgg], network: ColorNetwork, weights: Path | None = None
) -> LoadedColorist:
    """Ours on what `vgg` loads, the one of Zhang et al., fetched on first use, or whichever `weights` holds.

    Errors: WeightsError, for a file that cannot be fetched or read, or holds no such network.
    """
    path = weights or _bundled_or_fetched(network)
    tensors = read_tensors(path)
    colorist: Colorizer | ZhangNet
    if "model_out.weight" in tensors:
        # What batch normalisation counted in training is of no use here, and older files lack it.
        colorist = ZhangNet.of(fitting(tensors, ZhangNet(), path))
    elif "scores.weight" in tensors:
        colorist = _ours(tensors, vgg, path)
    else:
        raise WeightsError(
            f"{path} holds no colorizer: give the authors' colorization_release_v2 (.pth)"
            " or what impasto train colorizer wrote"
        )
    return LoadedColorist(colorist, hashlib.sha256(path.read_bytes()).hexdigest())


def _ours(tensors: Mapping[str, Tensor], load_vgg: Callable[[], Vgg], path: Path) -> Colorizer:
    head = ColorHead(len(tensors["scores.weight"]))
    head.load_state_dict(fitting(tensors, head, path))
    vgg = load_vgg()
    of_vgg = {name.removeprefix("vgg."): x for name, x in tensors.items() if name.startswith("vgg.")}
    if of_vgg:  # trained together with the head
        vgg = deepcopy(vgg)
        vgg.load_state_dict(fitting(of_vgg, vgg, path))
    return Colorizer(vgg, head).requires_grad_(False).eval()


def _bundled_or_fetched(network: ColorNetwork) -> Path:
    name = "zhang2016" if network == "zhang2016" else "colorizer"
    return model_path(name) or fetch_model(name)
