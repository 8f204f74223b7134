"""A Studio keeps what several runs share, so that networks are loaded and styles measured once."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import torch

from impasto.media.cards import sha256_of
from impasto.media.gallery import style_path
from impasto.methods.devices import choose_device, choose_precision
from impasto.methods.distances import Judge
from impasto.methods.styles import STYLE_LAYERS
from impasto.networks.color_weights import load_colorist
from impasto.networks.colorizer import Colorizer
from impasto.networks.fetch import fetch_model
from impasto.networks.painter import Painter, in_numbers
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg, VggWeights, set_compute_type
from impasto.networks.weights import load_squeezenet, load_vgg, vgg_weights
from impasto.networks.zhang import ZhangNet
from impasto.options import Backbone, ColoringOptions, ColorNetwork, Device, Precision, StylizeOptions
from impasto.stylebook import Loaded, load_style

STYLES_KEPT: Final = 32
"""A measured style holds a few megabytes beside its painting."""
PAINTINGS_KEPT_BYTES: Final = 5e8


@dataclass(frozen=True, eq=False)
class Network:
    """A network that looks: on which device, in which numbers, and the weights it was made from."""

    vgg: Vgg
    weights: VggWeights
    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True, eq=False)
class ColorStudio:
    """A network that colours: on which device, in which numbers, and the hash of its file."""

    colorist: Colorizer | ZhangNet
    sha256: str
    device: torch.device
    dtype: torch.dtype


class Studio:
    """Whatever it is asked for twice it has already; the pixels are those of runs that load all anew.

    Threads may share one: at worst something is loaded twice.
    """

    def __init__(self) -> None:
        self._precision = cache(choose_precision)
        self._load_network = cache(_load_network)
        self._load_colorist = cache(self._new_colorist)
        self._load_painter = cache(_load_painter)
        self._styles: dict[tuple[str, Network, int, int], Loaded] = {}

    def network(self, options: StylizeOptions) -> Network:
        """The network that the options ask for.

        ResourceError, WeightsError or ExtraError when the device or the network is not there.
        """
        device = choose_device(options.device)
        dtype = self._precision(options.precision, device)
        return self._load_network(options.backbone, options.weights, device, dtype)

    def colorist(
        self, options: ColoringOptions, device: Device = "auto", precision: Precision = "auto"
    ) -> ColorStudio:
        """The network that colours, as the options ask; errors as for `network`."""
        chosen = choose_device(device)
        return self._load_colorist(
            options.network, options.weights, chosen, self._precision(precision, chosen)
        )

    def _new_colorist(
        self, network: ColorNetwork, weights: Path | None, device: torch.device, dtype: torch.dtype
    ) -> ColorStudio:
        found = load_colorist(lambda: self._load_network("vgg16", None, device, dtype).vgg, network, weights)
        return ColorStudio(found.colorist.to(device), found.sha256, device, dtype)

    def painter(self, network: Network) -> Painter:
        """The bundled painter, where and in what numbers the network computes."""
        return self._load_painter(network.device, network.dtype)

    def style(self, source: str, network: Network, longest_px: int, max_pixels: int) -> Loaded:
        """A style by its name or file, as `load_style` has it; a file that has changed is read again."""
        key = (sha256_of(style_path(source)), network, longest_px, max_pixels)
        found = self._styles.pop(key, None)
        if found is None:
            found = load_style(source, network.vgg, network.weights, longest_px, max_pixels)
        self._styles[key] = found  # the one used last is the last to go
        for oldest in list(self._styles)[:-1]:
            held_bytes = sum(style.held_bytes for style in self._styles.values())
            if len(self._styles) <= STYLES_KEPT and held_bytes <= PAINTINGS_KEPT_BYTES:
                break
            self._styles.pop(oldest, None)
        return found

    @cached_property
    def judges(self) -> tuple[Judge, Judge]:
        """SqueezeNet and VGG-16, in float32 on the CPU."""
        vgg = load_vgg()
        layers = {*STYLE_LAYERS, "4_2"}
        return (
            Judge(load_squeezenet(), ("conv1", "fire3", "fire5", "fire7", "fire9"), "fire7"),
            Judge(lambda picture: vgg(picture, layers), STYLE_LAYERS, "4_2"),
        )


def _load_network(
    backbone: Backbone, weights: Path | None, device: torch.device, dtype: torch.dtype
) -> Network:
    found = vgg_weights(backbone, weights)
    return Network(set_compute_type(Vgg(found).to(device), dtype), found, device, dtype)


def _load_painter(device: torch.device, dtype: torch.dtype) -> Painter:
    return in_numbers(load_painter(fetch_model("painter")).painter.to(device), dtype)
