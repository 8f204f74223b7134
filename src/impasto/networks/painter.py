"""The feed-forward painter: a photo in a style's colours, and what is told of the style, -> a painting.

An encoder and decoder with residual blocks (Johnson, Alahi & Fei-Fei 2016, "Perceptual losses for real-time
style transfer") whose normalisation is predicted for each style (Ghiasi et al. 2017, "Exploring the structure
of a real-time, arbitrary neural artistic stylization network"). Departures: the style is told as means and
deviations of VGG features, which a card holds, and not by a picture; most of the work is done at an eighth of
the picture's size; what was seen on the way down is added on the way up; the photo is brought to the style's
colours first, and what is learnt is only what is then painted over it, on a canvas whose grain is seen where
the photo is flat.
"""

from collections.abc import Callable, Generator
from math import gcd
from typing import Final, NamedTuple, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn

from impasto.networks.sums import sum_of_rows
from impasto.networks.vgg import repeat_border

TOLD: Final = 2 * (3 + 64 + 128 + 256 + 512 + 512)
"""Means and deviations of the colours and of relu1_1 ... relu5_1."""
BOTTLENECK: Final = 128
HALF, QUARTER, EIGHTH, FULL = 32, 64, 128, 16
"""Channels at parts of the picture's size."""
BLOCKS: Final = 6
CONDITIONED: Final = 2 * (HALF + QUARTER + EIGHTH + 2 * BLOCKS * EIGHTH + 3 * QUARTER + HALF + FULL)
"""Scale and shift of every normalised channel."""
STRIDE: Final = 8
HALO_PX: Final = 32
"""How far the way down and the way up look, the blocks between them apart."""
LEAST_VARIANCE: Final = 1e-3
"""A flat sky is no texture to be blown up."""

OPAQUE: Final = 0.02
"""The ground stays so far from black and from white, where nothing could be painted over it."""
THIN: Final = 0.3
"""What is learnt is multiplied by it, so that the first steps are small."""

ROWS_IN_A_BLOCK: Final = 16

T = TypeVar("T")


class Moments(NamedTuple):
    """Of each channel over the places of a picture: mean and variance, (n, c, 1, 1) float32."""

    mean: Tensor
    variance: Tensor


Look = tuple[str, Tensor]
Walk = Generator[Look, Moments, T]
"""A way through layers, which at each shows its name and features (n, c, h, w), and is told their moments.

Who walks decides over what they are taken: this picture, or a larger one of which it is a tile.
"""


class Seen(NamedTuple):
    """A photo at a half, a quarter and an eighth of its size."""

    half: Tensor
    quarter: Tensor
    eighth: Tensor


class Conditions(NamedTuple):
    """What a style makes of each layer: name -> scale and shift, (n, c, 1, 1)."""

    scale: dict[str, Tensor]
    shift: dict[str, Tensor]


class Painter(nn.Module):
    """2.9 million numbers, 50,000 multiplications a pixel."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = {
            "down_half": nn.Conv2d(12, HALF, 3),
            "down_quarter": nn.Conv2d(HALF, QUARTER, 3, stride=2),
            "down_eighth": nn.Conv2d(QUARTER, EIGHTH, 3, stride=2),
        }
        convolutions |= {f"block{i}_{j}": nn.Conv2d(EIGHTH, EIGHTH, 3) for i in range(BLOCKS) for j in (1, 2)}
        convolutions |= {
            "up_quarter": nn.Conv2d(EIGHTH, QUARTER, 3),
            "quarter_1": nn.Conv2d(QUARTER, QUARTER, 3),
            "quarter_2": nn.Conv2d(QUARTER, QUARTER, 3),
            "up_half": nn.Conv2d(QUARTER, HALF, 3),
            "up_full": nn.Conv2d(HALF, FULL, 3),
        }
        self.convolutions = nn.ModuleDict(convolutions)
        self.colors = nn.Conv2d(FULL, 3, 3)
        for number in self.colors.parameters():  # what has learnt nothing leaves the ground as it is
            nn.init.zeros_(number)
        self.channels = {name: layer.out_channels for name, layer in convolutions.items()}
        last = nn.Linear(BOTTLENECK, CONDITIONED)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
        self.condition = nn.Sequential(
            nn.Linear(TOLD, BOTTLENECK), nn.ReLU(), nn.Linear(BOTTLENECK, BOTTLENECK), nn.ReLU(), last
        )

    def conditions(self, told: Tensor, tuning: Tensor | None = None) -> Conditions:
        """(n, TOLD) -> scales, which are 1 where nothing was learnt, and shifts.

        tuning: (CONDITIONED,), what was learnt of this style alone; added to what is predicted.
        """
        predicted = self.condition(told.log1p())
        predicted = (predicted if tuning is None else predicted + tuning)[..., None, None].float()
        scales, shifts = predicted.chunk(2, 1)
        sizes = list(self.channels.values())
        return Conditions(
            dict(zip(self.channels, (1 + scales).split(sizes, 1), strict=True)),
            dict(zip(self.channels, shifts.split(sizes, 1), strict=True)),
        )

    def forward(self, ground: Tensor, grain: Tensor, told: Tensor, tuning: Tensor | None = None) -> Tensor:
        """(n, 3, h, w) in [0, 1], sides multiples of 8, and (n, TOLD) -> (n, 3, h, w) in [0, 1].

        grain (n, 1, h, w): seen on the ground, and not painted. tuning: see `conditions`.
        """
        return alone(self.painting(ground, grain, self.conditions(told, tuning)))

    def painting(self, ground: Tensor, grain: Tensor, conditions: Conditions) -> Walk[Tensor]:
        """All the way."""
        seen = yield from self.encode(ground + grain, conditions)
        coarse = yield from self.transform(seen.eighth, conditions)
        return (yield from self.decode(ground, seen, coarse, conditions))

    def encode(self, ground: Tensor, conditions: Conditions) -> Walk[Seen]:
        """The way down."""
        blocks = F.pixel_unshuffle(ground.float() - 0.5, 2)
        blocks = blocks.to(self.colors.weight.dtype, memory_format=torch.channels_last)
        half = F.relu((yield from self._layer("down_half", blocks, conditions)))
        quarter = F.relu((yield from self._layer("down_quarter", half, conditions)))
        eighth = F.relu((yield from self._layer("down_eighth", quarter, conditions)))
        return Seen(half, quarter, eighth)

    def transform(self, coarse: Tensor, conditions: Conditions) -> Walk[Tensor]:
        """The blocks at an eighth of the picture's size."""
        for number in range(BLOCKS):
            coarse = yield from self._block(f"block{number}", coarse, conditions)
        return coarse

    def decode(self, ground: Tensor, seen: Seen, coarse: Tensor, conditions: Conditions) -> Walk[Tensor]:
        """The way up, and over the ground."""
        x = F.relu((yield from self._layer("up_quarter", _enlarged(coarse), conditions))) + seen.quarter
        x = yield from self._block("quarter", x, conditions)
        x = F.relu((yield from self._layer("up_half", _enlarged(x), conditions))) + seen.half
        x = F.relu((yield from self._layer("up_full", _enlarged(x), conditions)))
        over = self.colors(repeat_border(x)).float()
        return torch.sigmoid(ground.clamp(OPAQUE, 1 - OPAQUE).logit() + THIN * over)

    def _block(self, name: str, x: Tensor, conditions: Conditions) -> Walk[Tensor]:
        inner = F.relu((yield from self._layer(f"{name}_1", x, conditions)))
        return x + (yield from self._layer(f"{name}_2", inner, conditions))

    def _layer(self, name: str, x: Tensor, conditions: Conditions) -> Walk[Tensor]:
        """Convolution and normalisation, as the style would have it."""
        x = self.convolutions[name](repeat_border(x))
        moments = yield name, x
        scale = conditions.scale[name] * (moments.variance + LEAST_VARIANCE).rsqrt()
        shift = conditions.shift[name] - moments.mean * scale
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


def in_numbers(painter: Painter, dtype: torch.dtype) -> Painter:
    """The painter, which then sees and paints in `dtype`; what it is told stays float32."""
    painter.convolutions.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    painter.colors.to(dtype=dtype)
    return painter


def moments_of(features: Tensor) -> Moments:
    """(n, c, h, w) -> over all its places."""
    count, channels, height, width = features.shape
    # Several places lie side by side: few long rows are added up much faster than many short ones.
    abreast = gcd(height * width, 64)
    rows = features.permute(0, 2, 3, 1).reshape(count, -1, abreast * channels)

    def mean_of(values: Tensor) -> Tensor:
        total = sum_of_rows(values, ROWS_IN_A_BLOCK).view(count, abreast, channels).sum(1)
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


def _enlarged(x: Tensor) -> Tensor:
    """Twice as large. Were each place repeated, slanting strokes would have steps."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
