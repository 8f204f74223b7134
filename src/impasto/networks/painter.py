"""The feed-forward painter: a photo in a style's colours, and the style's pigments, -> a painting at once.

An encoder and a decoder (Johnson, Alahi & Fei-Fei 2016, "Perceptual losses for real-time style transfer").
At each size the decoder normalises its features and colours them: they get the mean and, by its root, the
whole covariance of the style's VGG features, as many channels as VGG has there (Li et al. 2017, "Universal
style transfer via feature transforms", who colour what VGG saw). So nothing about any one style is learnt,
and what a style is comes in whole. Departures: the photo is brought to the style's colours first, and what is
learnt is only what is then painted over it; the encoder is our own, since VGG would take most of the time.
"""

from collections.abc import Callable, Generator, Mapping
from math import gcd
from typing import Final, NamedTuple, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn

from impasto.networks.vgg import repeat_border

PIGMENT_LAYERS: Final = ("4_1", "3_1", "2_1", "1_1")
"""Of VGG, in the order in which the decoder is coloured by them."""
CHANNELS: Final = {"4_1": 512, "3_1": 256, "2_1": 128, "1_1": 64}
DOWN: Final = {"1_1": 32, "2_1": 64, "3_1": 128, "4_1": 192}
"""Of the encoder, at a half, a quarter, an eighth and a sixteenth of the picture's size."""
LAST: Final = 32
BLOCK_PX: Final = 2
"""The finest features are at a half of the picture's size, and become blocks of so many pixels a side."""
STRIDE: Final = 16
HALO_PX: Final = 96
"""How far it looks."""
LEAST_VARIANCE: Final = 1e-3
"""A flat sky is no texture to be blown up."""
OPAQUE: Final = 0.02
"""The ground stays so far from black and from white, where nothing could be painted over it."""

ROWS_IN_A_BLOCK: Final = 16

T = TypeVar("T")


class Moments(NamedTuple):
    """Of each channel over the places of a picture: mean and variance, (n, c, 1, 1) float32."""

    mean: Tensor
    variance: Tensor


class Pigment(NamedTuple):
    """What a style's features have at a layer: mean (n, c), and root of the covariance (n, c, c)."""

    mean: Tensor
    root: Tensor


Palette = Mapping[str, Pigment]
Look = tuple[str, Tensor]
Walk = Generator[Look, Moments, T]
"""A way through layers, which at each shows its name and features (n, c, h, w), and is told their moments.

Who walks decides over what they are taken: this picture, or a larger one of which it is a tile.
"""


class Painter(nn.Module):
    """3.6 million numbers, 58,000 multiplications a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up, self.beside, self.plain = (nn.ModuleDict() for _ in range(4))
        channels_in = 3 * BLOCK_PX**2
        for layer, channels in DOWN.items():
            self.down[layer] = _convolution(channels_in, channels, stride=1 if layer == "1_1" else 2)
            channels_in = channels
        for layer in PIGMENT_LAYERS:
            channels = CHANNELS[layer]
            if layer != PIGMENT_LAYERS[0]:
                self.up[layer] = _convolution(channels_in, channels)
                self.beside[layer] = _convolution(DOWN[layer], channels, kernel_px=1)
            self.plain[layer] = _convolution(
                DOWN[layer] if layer == PIGMENT_LAYERS[0] else channels, channels
            )
            channels_in = channels
        self.last = _convolution(channels_in + 3 * BLOCK_PX**2, LAST)
        self.over = _convolution(LAST, 3 * BLOCK_PX**2)
        nn.init.zeros_(self.over.weight)  # what has learnt nothing leaves the ground as it is

    def forward(self, ground: Tensor, palette: Palette) -> Tensor:
        """(n, 3, h, w) in [0, 1], sides multiples of 16 -> the same, painted over."""
        return alone(self.walk(ground, palette))

    def walk(self, ground: Tensor, palette: Palette) -> Walk[Tensor]:
        """The same, looking at the moments of each layer before it is coloured."""
        ground = ground.clamp(OPAQUE, 1 - OPAQUE)
        blocks = F.pixel_unshuffle(ground - 0.5, BLOCK_PX)
        blocks = blocks.to(self.over.weight.dtype, memory_format=torch.channels_last)
        seen, x = dict[str, Tensor](), blocks
        for layer in DOWN:
            x = seen[layer] = F.relu(_bordered(self.down[layer], x))
        for layer in PIGMENT_LAYERS:
            if layer in self.up:
                x = F.relu(_enlarged(_bordered(self.up[layer], x)) + self.beside[layer](seen[layer]))
            x = _bordered(self.plain[layer], x)
            moments = yield layer, x
            x = F.relu(_colored(x, moments, palette[layer]))
        x = F.relu(_bordered(self.last, torch.cat([x, blocks], 1)))
        over = F.pixel_shuffle(_bordered(self.over, x).float(), BLOCK_PX)
        return torch.sigmoid(ground.logit() + over)


def moments_of(features: Tensor) -> Moments:
    """(n, c, h, w) -> over all its places."""
    count, channels, height, width = features.shape
    # Several places lie side by side: few long rows are added up much faster than many short ones.
    abreast = gcd(height * width, 64)
    rows = features.permute(0, 2, 3, 1).reshape(count, -1, abreast * channels)

    def mean_of(values: Tensor) -> Tensor:
        total = _sum_of_rows(values).view(count, abreast, channels).sum(1)
        return total[..., None, None] / (height * width)

    mean = mean_of(rows)
    return Moments(mean, (mean_of(rows.square()) - mean.square()).clamp(min=0))


def walk(way: Walk[T], told: Callable[[str, Tensor], Moments]) -> T:
    """Walks to the end with the moments that are told of each layer."""
    try:
        look = next(way)
        while True:
            look = way.send(told(*look))
    except StopIteration as end:
        found: T = end.value
        return found


def alone(way: Walk[T]) -> T:
    """The pictures are whole, and their moments their own."""
    return walk(way, lambda _, features: moments_of(features))


def _colored(x: Tensor, moments: Moments, pigment: Pigment) -> Tensor:
    """(n, c, h, w), normalised, with the style's mean and covariance: one product of matrices."""
    count, channels, height, width = x.shape
    scale = (moments.variance + LEAST_VARIANCE).rsqrt().view(count, channels, 1)
    matrix = scale * pigment.root
    offset = pigment.mean[:, None] - moments.mean.view(count, 1, channels) @ matrix
    places = x.permute(0, 2, 3, 1).reshape(count, height * width, channels)
    colored = torch.baddbmm(offset.to(x.dtype), places, matrix.to(x.dtype))
    return colored.view(count, height, width, channels).permute(0, 3, 1, 2)


def _convolution(channels_in: int, channels_out: int, kernel_px: int = 3, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(channels_in, channels_out, kernel_px, stride)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None, "a convolution has one unless told otherwise"
    nn.init.zeros_(layer.bias)
    return layer


def _bordered(layer: nn.Module, x: Tensor) -> Tensor:
    """The borders are repeated, as in VGG: no frames."""
    found: Tensor = layer(repeat_border(x))
    return found


def _enlarged(x: Tensor) -> Tensor:
    """Twice as large, each place repeated: what is then convolved shows no checkerboard."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def _sum_of_rows(rows: Tensor) -> Tensor:
    """(n, p, k) -> (n, k) float32.

    bfloat16 is rounded once a block, which takes a third of the time of turning it into float32 first, and
    is the smallest of its errors.
    """
    count, height, width = rows.shape
    in_blocks = 0 if rows.dtype == torch.float32 else height // ROWS_IN_A_BLOCK * ROWS_IN_A_BLOCK
    blocks = rows[:, :in_blocks].reshape(count, -1, ROWS_IN_A_BLOCK, width).sum(2)
    return blocks.sum(1, dtype=torch.float32) + rows[:, in_blocks:].sum(1, dtype=torch.float32)
