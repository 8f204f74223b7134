"""What a colorizer learns from: crops of photos, made as grey as old photographs are, and their colours."""

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.gamut import annealed_mean, color_loss, rebalancing, smoothed_prior, soft_encode
from impasto.options import ColorLoss

PLACES: Final = 800
"""A photo's places are so alike that some of them teach as much as all of them."""
L2_SCALE: Final = 100.0


class Lessons(NamedTuple):
    """The bins, how much each weighs, and the loss."""

    centres: Tensor
    weights: Tensor
    loss: ColorLoss

    def to(self, device: torch.device) -> "Lessons":
        """The same there."""
        return self._replace(centres=self.centres.to(device), weights=self.weights.to(device))


def crop_lightness(lab: Tensor, generator: torch.Generator) -> Tensor:
    """(1, 3, h, w) -> (1, 1, h, w), L as another camera, film and scanner would have had it."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    light = (lab[:, :1] / 100).clamp(0, 1) ** between(0.7, 1.4)
    black, white = between(0, 0.15), between(0.85, 1)
    light = black + (white - black) * light
    if between(0, 1) < 0.3:
        light = F.interpolate(
            F.interpolate(light, scale_factor=between(0.4, 0.8), mode="bilinear", antialias=True),
            light.shape[2:],
            mode="bilinear",
        )
    if between(0, 1) < 0.5:
        light = light + between(0, 0.05) * torch.randn(light.shape, generator=generator)
    return 100 * light.clamp(0, 1)


def target_of(lab: Tensor) -> Tensor:
    """(n, 3, h, w) -> (n, 2, h/4, w/4), the colours that a colorizer should find."""
    return F.avg_pool2d(lab[:, 1:], 4)


def lessons_from(colors: Tensor, centres: Tensor, uniform_share: float, loss: ColorLoss) -> Lessons:
    """(m, 2), a sample of the training photos' colours -> the lessons."""
    counts = torch.zeros(len(centres))
    soft = soft_encode(colors, centres)
    counts.index_add_(0, soft.bins.flatten(), soft.shares.flatten())
    return Lessons(centres, rebalancing(smoothed_prior(counts, centres), uniform_share), loss)


def lesson_loss(scores: Tensor, colors: Tensor, lessons: Lessons) -> Tensor:
    """(n, q, h, w) and (n, 2, h, w) -> (): over some of the places, the same in all photos.

    For regression it is the L2 loss of the mean colour (eq. 1), divided so as to be about as large.
    """
    places = torch.randperm(scores.shape[2] * scores.shape[3])[:PLACES].to(scores.device)
    scores, colors = (x.flatten(2)[..., places].transpose(1, 2).flatten(0, 1) for x in (scores, colors))
    if lessons.loss == "regression":
        mean = annealed_mean(scores[..., None, None], lessons.centres, 1.0)[..., 0, 0]
        return F.mse_loss(mean, colors) / L2_SCALE
    return color_loss(scores, soft_encode(colors, lessons.centres), lessons.weights)
