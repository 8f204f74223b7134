"""Two recipes of the field, re-implemented plainly from their descriptions, to be measured against.

Both see through impasto's bundled VGG-16, in float32, with the zero borders that they pad with. Each is an
iterator that yields the picture, (1, 3, h, w) in [0, 1], after every step.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.styles import STYLE_LAYERS, resize_longest, resize_to
from impasto.networks.vgg import VggWeights

CONTENT_LAYER: Final = "4_2"
CLASSICAL_STEPS: Final = 500
CROWSONKB_FIRST_STEPS: Final = 1000
CROWSONKB_LATER_STEPS: Final = 500
PIXEL_SPREAD: Final = 57.6
"""crowsonkb's network sees pixels of unit variance, ours 0..255; so its features are divided by this."""


class PlainVgg:
    """The network as published: zero borders (the first layer's may be repeated), features undivided."""

    def __init__(self, weights: VggWeights, first_border: str, device: torch.device) -> None:
        self.weights = {name: tensor.to(device, torch.float32) for name, tensor in weights.tensors.items()}
        self.mean = torch.tensor(weights.mean, device=device).view(3, 1, 1)
        self.std = torch.tensor(weights.std, device=device).view(3, 1, 1)
        self.first_border = first_border

    def __call__(self, picture: Tensor) -> dict[str, Tensor]:
        x, features = (picture - self.mean) / self.std, {}
        for name in sorted(key.removesuffix(".weight") for key in self.weights if key.endswith("weight")):
            layer = name.removeprefix("conv")
            if layer.endswith("_1") and layer != "1_1":
                x = F.max_pool2d(x, 2)
            border = self.first_border if layer == "1_1" else "constant"
            x = F.pad(x, (1, 1, 1, 1), mode=border)
            x = F.relu(F.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]))
            features[layer] = x
        return features


class Stage(NamedTuple):
    """Steps of one kind: the longest side that they paint at, and how many there are."""

    longest_px: int
    steps: int


def classical_stages(longest_px: int) -> list[Stage]:
    return [Stage(longest_px, CLASSICAL_STEPS)]


def crowsonkb_stages(longest_px: int) -> list[Stage]:
    """Sizes rise by the square root of 2 from at least 128 px."""
    sizes = [longest_px]
    while round(longest_px / 2 ** (len(sizes) / 2)) >= 128:
        sizes.insert(0, round(longest_px / 2 ** (len(sizes) / 2)))
    return [
        Stage(size, CROWSONKB_LATER_STEPS if index else CROWSONKB_FIRST_STEPS)
        for index, size in enumerate(sizes)
    ]


def classical(weights: VggWeights, photo: Tensor, painting: Tensor, stages: list[Stage]) -> Iterator[Tensor]:
    """neural-style: Gatys et al. 2016 by L-BFGS from the photo, pixels 0..255, content 5, style 100, TV 1e-3.

    Mean squared errors; Gram matrices divided by c*h*w; L-BFGS with a history of 100 and no line search.
    """
    network = PlainVgg(weights, "constant", photo.device)
    stage = stages[0]
    with torch.no_grad():
        content = network(photo)[CONTENT_LAYER]
        style = network(resize_longest(painting, stage.longest_px))
        wanted = {layer: _gram(style[layer]) for layer in STYLE_LAYERS}
    x = (photo * 255).requires_grad_()
    search = torch.optim.LBFGS([x], max_iter=1, history_size=100, tolerance_grad=-1, tolerance_change=-1)

    def closure() -> Tensor:
        search.zero_grad()
        features = network(x / 255)
        loss = 5 * F.mse_loss(features[CONTENT_LAYER], content)
        for layer in STYLE_LAYERS:
            loss = loss + 100 * F.mse_loss(_gram(features[layer]), wanted[layer])
        down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
        loss = loss + 1e-3 * (down.abs().sum() + right.abs().sum())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for _ in range(stage.steps):
        search.step(closure)  # type: ignore[no-untyped-call]
        yield (x.detach() / 255).clamp(0, 1)


def crowsonkb(weights: VggWeights, photo: Tensor, painting: Tensor, stages: list[Stage]) -> Iterator[Tensor]:
    """style-transfer-pytorch: Wasserstein-2 on a ladder by Adam, averaged; photo at full size in [0, 1]."""
    network = PlainVgg(weights, "replicate", photo.device)
    shares = {layer: share / 341 for layer, share in zip(STYLE_LAYERS, (256, 64, 16, 4, 1), strict=True)}
    average = photo
    first = second = None
    for stage in stages:
        content = resize_longest(photo, stage.longest_px).clamp(0, 1)
        size = content.shape[2:]
        with torch.no_grad():
            kept = network(content)[CONTENT_LAYER] / PIXEL_SPREAD
            style = network(resize_longest(painting, stage.longest_px).clamp(0, 1))
            wanted = {layer: _moments(style[layer] / PIXEL_SPREAD) for layer in STYLE_LAYERS}
            roots = {layer: _root(covariance) for layer, (_, covariance) in wanted.items()}
        x = F.interpolate(average, size=size, mode="bicubic", align_corners=False).clamp(0, 1)
        x.requires_grad_()
        search = torch.optim.Adam([x], lr=0.02, betas=(0.9, 0.99))
        if first is not None and second is not None:
            search.state[x] = {
                "step": torch.tensor(1000.0),
                "exp_avg": resize_to(first, (size[0], size[1])),
                "exp_avg_sq": F.interpolate(second, size=size, mode="bilinear", align_corners=False).relu(),
            }
        weighted, total = torch.zeros_like(content), 0.0
        for _ in range(stage.steps):
            search.zero_grad()
            features = network(x)
            loss = 0.015 * F.mse_loss(features[CONTENT_LAYER] / PIXEL_SPREAD, kept) + 2 * _variation(x)
            for layer in STYLE_LAYERS:
                found = _moments(features[layer] / PIXEL_SPREAD)
                loss = loss + shares[layer] * _wasserstein(found, wanted[layer], roots[layer])
            loss.backward()  # type: ignore[no-untyped-call]
            search.step()
            with torch.no_grad():
                x.clamp_(0, 1)
                weighted, total = 0.99 * weighted + 0.01 * x, 0.99 * total + 0.01
            average = weighted / total
            yield average
        first, second = search.state[x]["exp_avg"], search.state[x]["exp_avg_sq"]


def _gram(features: Tensor) -> Tensor:
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.numel()


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (c,) and covariance (c, c)."""
    flat = features[0].flatten(1)
    mean = flat.mean(1)
    products = flat @ flat.T / flat.shape[1]
    return mean, products - torch.outer(mean, mean) + 1e-4 * torch.eye(len(mean)).to(mean)


def _wasserstein(found: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor], root: Tensor) -> Tensor:
    both = _root(root @ found[1] @ root)
    return F.mse_loss(found[0], wanted[0]) + (found[1] + wanted[1] - 2 * both).diagonal().mean()


def _root(matrix: Tensor) -> Tensor:
    result: Tensor = _NewtonSchulz.apply(matrix)  # type: ignore[no-untyped-call]
    return result


class _NewtonSchulz(torch.autograd.Function):
    """Matrix square root by 12 Newton-Schulz steps; backward by as many on the Lyapunov equation.

    Lin & Maji 2017, "Improved bilinear pooling with CNNs", sec. 3.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        norm = matrix.norm()
        identity = torch.eye(len(matrix)).to(matrix)
        y, z = matrix / norm, identity
        for _ in range(12):
            t = 1.5 * identity - 0.5 * z @ y
            y, z = y @ t, t @ z
        root: Tensor = y * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        norm = root.norm()
        identity = torch.eye(len(root)).to(root)
        a: Tensor = root / norm
        q: Tensor = gradients[0] / norm
        for _ in range(12):
            rest = 3 * identity - a @ a
            q = 0.5 * (q @ rest - a.T @ (a.T @ q - q @ a))
            a = 0.5 * a @ rest
        return 0.5 * q


def _variation(picture: Tensor) -> Tensor:
    """Mean squared differences to the eight neighbours, weighed as in the nine-point Laplacian."""
    x = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    middle = x[..., 1:-1, 1:-1]
    straight = (x[..., 2:, 1:-1] - middle).square() + (x[..., 1:-1, 2:] - middle).square()
    slanted = (x[..., 2:, 2:] - middle).square() + (x[..., 2:, :-2] - middle).square()
    return (2 / 3 * straight + 1 / 6 * slanted).mean()
