"""VGG-16 and VGG-19 up to conv5_1, the networks in whose features style and content are measured.

Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition".
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn

from impasto.options import Backbone

Architecture = Backbone

CHANNELS: Final = (64, 128, 256, 512, 512)
CONVOLUTIONS: Final[dict[Architecture, tuple[int, ...]]] = {
    "vgg16": (2, 2, 3, 3, 1),
    "vgg19": (2, 2, 4, 4, 1),
}
POOLED_STRIDE: Final = 16
"""Pixels of the picture to a feature of relu5_1, side by side."""


def layer_names(architecture: Architecture) -> tuple[str, ...]:
    """The convolutions in order, as `block_convolution`: 1_1, 1_2, 2_1 ... 5_1."""
    return tuple(
        f"{block}_{index}"
        for block, count in enumerate(CONVOLUTIONS[architecture], start=1)
        for index in range(1, count + 1)
    )


def stride_of(layer: str) -> int:
    """Pixels of the picture to a feature of `layer`, side by side."""
    return 1 << (int(layer[0]) - 1)


def halo_px(architecture: Architecture, layers: Collection[str]) -> int:
    """How many pixels beyond its own a feature of any of `layers` depends on, to each side."""
    names = layer_names(architecture)
    deepest = max((names.index(layer) for layer in layers), default=-1)
    return sum(stride_of(name) for name in names[: deepest + 1])


def multiply_adds(architecture: Architecture, layers: Collection[str], size_px: tuple[int, int]) -> int:
    """Of the convolutions of one pass forward over (width, height), as deep as the deepest of `layers`."""
    names = layer_names(architecture)
    deepest = max((names.index(layer) for layer in layers), default=-1)
    total, channels_in = 0, 3
    for name in names[: deepest + 1]:
        channels, stride = CHANNELS[int(name[0]) - 1], stride_of(name)
        total += 9 * channels_in * channels * (size_px[0] // stride) * (size_px[1] // stride)
        channels_in = channels
    return total


@dataclass(frozen=True)
class VggWeights:
    """The numbers of one network, with the manners it was trained in.

    tensors: `conv1_1.weight` (out, in, 3, 3) and `conv1_1.bias` (out,) per layer, RGB in.
    mean, std: the network sees (rgb - mean) / std, for rgb in [0, 1].
    scales: mean activation after each ReLU over natural photos, in the order of `layer_names`.
    """

    architecture: Architecture
    tensors: dict[str, Tensor]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scales: tuple[float, ...]
    sha256: str


class Vgg(nn.Module):
    """Features of a picture, each layer divided by its mean activation over natural photos.

    A ReLU network commutes with positive scales, so the division is folded into the weights: a
    feature is about 1 on average in every layer of every backbone, and float16 does not overflow.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: VggWeights) -> None:
        super().__init__()
        self.architecture = weights.architecture
        self.names = layer_names(weights.architecture)
        self.scales = dict(zip(self.names, weights.scales, strict=True))
        self.register_buffer("mean", torch.tensor(weights.mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(weights.std).view(3, 1, 1))
        self.convolutions = nn.ModuleDict()
        scale_below = 1.0
        for name, scale in self.scales.items():
            weight = weights.tensors[f"conv{name}.weight"].float() * (scale_below / scale)
            bias = weights.tensors[f"conv{name}.bias"].float() / scale
            self.convolutions[name] = _convolution(weight, bias)
            scale_below = scale
        self.requires_grad_(False)
        self.eval()

    @property
    def compute_type(self) -> torch.dtype:
        """The numbers that features are in."""
        return next(self.convolutions.parameters()).dtype

    def forward(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """(n, 3, h, w), sRGB in [0, 1] -> {"4_2": (n, c, h/8, w/8), ...}, after the ReLU.

        Runs no deeper than the deepest layer asked for; features have the dtype of the weights.
        """
        x = (picture - self.mean) / self.std
        x = x.to(self.compute_type, memory_format=torch.channels_last)
        features: dict[str, Tensor] = {}
        for name, following in zip(self.names, [*self.names[1:], ""], strict=True):
            halves = following.endswith("_1")
            if halves and name not in layers:
                # In this order, which comes to the same, the ReLU has a quarter of the work.
                x = F.relu(halve(self.convolutions[name](repeat_border(x, halved=True))))
                continue
            # What comes out of a convolution is nobody else's, and may be changed where it lies.
            x = F.relu_(self.convolutions[name](repeat_border(x)))
            if name in layers:
                features[name] = x
                if len(features) == len(layers):
                    return features
            if halves:
                x = halve(x)
        unknown = sorted(set(layers) - set(self.names))
        raise ValueError(f"no such layers: {unknown}")


def set_compute_type(vgg: Vgg, dtype: torch.dtype) -> Vgg:
    """The same network with weights in `dtype`, laid out channels last; mean and std stay float32."""
    vgg.convolutions.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return vgg


def halve(features: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, c, h // 2, w // 2), the greatest of each four."""
    count, channels, height, width = features.shape
    if count > 1 or height % 2 or features.device.type != "cpu":
        return F.max_pool2d(features, 2)
    # PyTorch gives one core to the gradient of a picture, so this one is seen as many, of two rows each.
    pairs = features.permute(0, 2, 3, 1).reshape(height // 2, 2, width, channels).permute(0, 3, 1, 2)
    halved = F.max_pool2d(pairs, 2).permute(0, 2, 3, 1)
    return halved.reshape(1, height // 2, width // 2, channels).permute(0, 3, 1, 2)


def repeat_border(features: Tensor, halved: bool = False) -> Tensor:
    """(n, c, h, w) -> (n, c, h + 2, w + 2), the outermost features repeated.

    halved: what is convolved will be halved, so that an odd row or column at the end is left out.
    Departure from the paper, which pads with zeros: the style's statistics would hold them for a frame, and
    paint one.
    """
    ends = [1 - size % 2 if halved and size > 1 else 1 for size in features.shape[2:]]
    bordered: Tensor = _RepeatedBorder.apply(features, *ends)  # type: ignore[no-untyped-call]
    return bordered


class _RepeatedBorder(torch.autograd.Function):
    """The border's gradient is added to the outermost features where it lies, so that nothing is copied."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, below: int, right: int) -> Tensor:
        ctx.below, ctx.right = below, right
        if features.is_cuda:
            return bordered_channels_last(features, below, right)
        return F.pad(features, (1, right, 1, below), mode="replicate")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        height, width = gradient.shape[2] - ctx.below, gradient.shape[3] - ctx.right
        gradient[..., 1, :] += gradient[..., 0, :]
        if ctx.below:
            gradient[..., -2, :] += gradient[..., -1, :]
        gradient[..., 1] += gradient[..., 0]
        if ctx.right:
            gradient[..., -2] += gradient[..., -1]
        return gradient[..., 1:height, 1:width], None, None


def bordered_channels_last(features: Tensor, below: int = 1, right: int = 1) -> Tensor:
    """What `F.pad` gives, laid out channels last: on a GPU it forgets the layout, and all is copied back."""
    count, channels, height, width = features.shape
    bordered = torch.empty(
        (count, channels, height + 1 + below, width + 1 + right),
        dtype=features.dtype,
        device=features.device,
        memory_format=torch.channels_last,
    )
    bordered[..., 1 : height + 1, 1 : width + 1] = features
    bordered[..., 0, 1 : width + 1] = features[..., 0, :]
    if below:
        bordered[..., -1, 1 : width + 1] = features[..., -1, :]
    bordered[..., 0] = bordered[..., 1]
    if right:
        bordered[..., -1] = bordered[..., -2]
    return bordered


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """Of a picture with its border."""
    channels_out, channels_in = weight.shape[:2]
    layer = nn.Conv2d(channels_in, channels_out, 3)
    layer.weight.data, layer.bias.data = weight, bias  # type: ignore[union-attr]
    return layer
