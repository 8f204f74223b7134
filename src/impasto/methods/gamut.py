"""Colour as a choice among bins of the ab plane, so that an object may be red or green but never the mean.

Zhang, Isola & Efros 2016, "Colorful image colorization", sec. 2.
"""

from functools import cache
from itertools import combinations
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.networks.cielab import to_lab

GRID: Final = 10
BINS: Final = 313
NEIGHBOURS: Final = 5
SIGMA: Final = 5.0
UNIFORM_SHARE: Final = 0.5
"""The paper's lambda: how much of the uniform distribution tempers the rebalancing."""
TEMPERATURE: Final = 0.38


class SoftColors(NamedTuple):
    """Colours as shares of their nearest bins: bins and shares, both (..., NEIGHBOURS); shares sum to 1."""

    bins: Tensor
    shares: Tensor


@cache
def bin_centres() -> Tensor:
    """(313, 2): a and b of the grid points that lie nearest to the colours of sRGB, by a, then by b.

    The paper says "in gamut" and no more; 310 of these are among its 313, and the others lie at the rim.
    """
    levels = torch.linspace(0, 1, 52, dtype=torch.float64)
    # The faces of the RGB cube cover all that the cube covers in the ab plane.
    faces = [torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1) for axes in _face_axes(levels)]
    colors = to_lab(torch.cat(faces, 1)[None, :, :, None])[0, 1:, :, 0].T
    steps = torch.arange(-110, 111, GRID, dtype=torch.float64)
    grid = torch.cartesian_prod(steps, steps)
    distances = torch.stack([(colors - point).abs().amax(1).min() for point in grid])
    return grid[distances.argsort()[:BINS].sort().values].float()


def soft_encode(ab: Tensor, centres: Tensor) -> SoftColors:
    """(..., 2) -> its five nearest bins, weighted by a Gaussian of their distance (sec. 2.1)."""
    distances = torch.cdist(ab.reshape(-1, 2), centres)
    nearest, bins = distances.topk(NEIGHBOURS, largest=False)
    # Softmax is the normalised Gaussian, and does not underflow far outside the gamut.
    shares = (nearest.square() / (-2 * SIGMA**2)).softmax(1)
    shape = (*ab.shape[:-1], NEIGHBOURS)
    return SoftColors(bins.view(shape), shares.view(shape))


def smoothed_prior(counts: Tensor, centres: Tensor) -> Tensor:
    """(q,) how often each bin occurs -> (q,) its probability, smoothed by a Gaussian in the ab plane."""
    kernel = (torch.cdist(centres, centres).square() / (-2 * SIGMA**2)).exp()
    spread = (kernel / kernel.sum(0)) @ counts
    return spread / spread.sum()


def rebalancing(prior: Tensor, uniform_share: float = UNIFORM_SHARE) -> Tensor:
    """(q,) -> (q,): the rarer a bin, the more it weighs; 1 on average over the prior (eq. 4)."""
    weights = 1 / ((1 - uniform_share) * prior + uniform_share / len(prior))
    return weights / (prior * weights).sum()


def color_loss(logits: Tensor, colors: SoftColors, weights: Tensor) -> Tensor:
    """(n, q) and their colours, weighted by each one's nearest bin -> (): mean cross-entropy (eq. 2, 3)."""
    log_shares = logits.float().log_softmax(1).gather(1, colors.bins)
    surprise = -(colors.shares * log_shares).sum(1)
    return (weights[colors.bins[:, 0]] * surprise).mean()


def annealed_mean(logits: Tensor, centres: Tensor, temperature: float) -> Tensor:
    """(n, q, h, w) -> (n, 2, h, w): the mean colour of the sharpened distribution (eq. 5).

    Temperature 1 is the mean, safe and pale; towards 0 it becomes the likeliest bin, vivid and patchy.
    """
    shares = (logits.float() / max(temperature, 1e-3)).softmax(1)
    return torch.einsum("nqhw,qc->nchw", shares, centres)


def _face_axes(levels: Tensor) -> list[list[Tensor]]:
    """red, green and blue levels of each of the six faces of the RGB cube."""
    faces = []
    for free in combinations(range(3), 2):
        for end in (0.0, 1.0):
            fixed = torch.tensor([end], dtype=levels.dtype)
            faces.append([levels if axis in free else fixed for axis in range(3)])
    return faces
