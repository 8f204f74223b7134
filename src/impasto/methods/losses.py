"""What a picture is asked to be near to: content, style and smoothness, as pure functions.

Features come divided by each layer's mean activation (see `networks.vgg`), and the distances here are
relative, so that 1 means "as far as nothing is from the target" for every layer, photo and painting, and
one weight means the same everywhere. Statistics are always float32, whatever the features are in.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from impasto.methods.devices import one_thread
from impasto.networks.sums import sum_of_rows

LEAST_VARIANCE: Final = 1.0
"""Features of photos vary by 4 to 12 in relu4_2; a picture of nothing at all may be painted on, too."""
MEAN_AND_DEVIATION: Final = 3.0
"""Their weight beside the Gram matrix's, each as a share of the style's own."""

PLACES_IN_A_BLOCK: Final = 1024
FEWEST_BLOCKS: Final = 3
SUMMED_IN_A_BLOCK: Final = 64


class Statistics(NamedTuple):
    """How the features of one layer are distributed: mean (c,) and Gram matrix (c, c), float32.

    Of n pictures, (n, c) and (n, c, c); Gram and moments losses, and variances, are then n numbers.
    """

    mean: Tensor
    gram: Tensor

    @property
    def covariance(self) -> Tensor:
        """(c, c)."""
        return self.gram - self.mean[..., :, None] * self.mean[..., None, :]


StyleLoss = Callable[[Statistics], Tensor]


def statistics(features: Tensor, weights: Tensor | None = None, total: float | None = None) -> Statistics:
    """(1, c, h, w) -> mean (c,), and mean product of every two channels (c, c), over the places.

    Gatys et al. 2016, eq. 3, divided by h*w so that picture size drops out. weights (h, w): how much each
    place counts; Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", eq. 6, whose
    guides are their square roots. total: of the weights, where the features are only a part of a picture.
    """
    if total is None:
        total = features.shape[2] * features.shape[3] if weights is None else float(weights.sum())
    mean, gram = _MeanAndGram.apply(features, weights, total)  # type: ignore[no-untyped-call]
    return Statistics(mean, gram)


def statistics_of_each(features: Tensor) -> Statistics:
    """(n, c, h, w) -> of n pictures at once, which for small ones is much quicker than one after the other.

    Covariances are rounded to the features' own numbers, which is near enough to learn from.
    """
    places = features.flatten(2)
    mean = places.mean(2, dtype=torch.float32)
    centred = places - mean[..., None].to(places.dtype)
    covariance = (centred @ centred.mT).float() / places.shape[2]
    return Statistics(mean, covariance + mean[..., :, None] * mean[..., None, :])


def squared_distance(features: Tensor, photo_features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum of the squared differences, float32 (Gatys et al. 2016, eq. 1), each place (h, w) weighed."""
    squares = (features.float() - photo_features).square()
    return (squares if weights is None else weights * squares).sum()


def variance_of(layer: Statistics) -> Tensor:
    """By how much features differ from place to place, the mean over the channels.

    Departure from the paper: content is divided by it, so that a foggy photo holds its own.
    """
    return _variances(layer).mean(-1).clamp(min=LEAST_VARIANCE)


def gram_loss(style: Statistics) -> StyleLoss:
    """Squared distance of Gram matrices, as a share of the style's own (Gatys et al. 2016, eq. 4)."""
    size = style.gram.square().sum((-2, -1))
    return lambda found: (found.gram - style.gram).square().sum((-2, -1)) / size


def moments_loss(style: Statistics) -> StyleLoss:
    """Gram matrices, and the means and standard deviations that they alone leave free.

    Galerne et al. 2023, "Scaling painting style transfer", sec. 3.3. They carry the colours, and weigh
    more here than there: see benchmarks/LOG.md.
    """
    products, wanted, energy = gram_loss(style), deviation_of(style), _diagonal(style.gram).sum(-1)

    def loss(found: Statistics) -> Tensor:
        away = (found.mean - style.mean).square().sum(-1) + (deviation_of(found) - wanted).square().sum(-1)
        return products(found) + MEAN_AND_DEVIATION * away / energy

    return loss


def wasserstein_loss(style: Statistics, rank: int) -> StyleLoss:
    """Squared 2-Wasserstein distance of the features, seen as Gaussians, as a share of the style's energy.

    |m - m'|^2 + tr(C) + tr(C') - 2 tr((C'^1/2 C C'^1/2)^1/2). With C' = R R^T, R (c, rank), the last
    trace is the sum of the square roots of the eigenvalues of R^T C R: a (rank, rank) problem.
    """
    values, vectors = symmetric_eigen(style.covariance)
    root = vectors[:, -rank:] * values[-rank:].clamp(min=0).sqrt()
    spread, energy = style.covariance.trace(), style.gram.trace()

    def loss(found: Statistics) -> Tensor:
        covariance = found.covariance
        overlap: Tensor = _TraceOfRoot.apply(root.T @ covariance @ root)  # type: ignore[no-untyped-call]
        distance = (found.mean - style.mean).square().sum() + covariance.trace() + spread - 2 * overlap
        return distance / energy

    return loss


def symmetric_eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """(c, c) symmetric -> eigenvalues (c,), rising, and eigenvectors (c, c) in columns.

    NaN where the matrix is not finite. In float64, since float32 does not converge where channels are
    silent, and on one thread: several are no faster at this size, and 500 times slower on a busy machine.
    """
    if not matrix.isfinite().all():
        return torch.full_like(matrix[..., 0], torch.nan), torch.full_like(matrix, torch.nan)
    with one_thread():
        values, vectors = torch.linalg.eigh(matrix.cpu().double())
    return values.to(matrix), vectors.to(matrix)


def deviation_of(layer: Statistics) -> Tensor:
    """Standard deviations (c,)."""
    return _variances(layer).clamp(min=1e-8).sqrt()


def _variances(layer: Statistics) -> Tensor:
    return _diagonal(layer.gram) - layer.mean.square()


def _diagonal(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1)


class _MeanAndGram(torch.autograd.Function):
    """The statistics are float32; their gradient is computed in the features' own numbers, which is faster.

    Features are seen as (places, channels), the way they lie channels last, so that nothing is copied.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor | None, total: float) -> tuple[Tensor, Tensor]:
        places = features[0].permute(1, 2, 0).flatten(0, 1)
        column = None if weights is None else weights.to(places.dtype).reshape(-1, 1)
        ctx.save_for_backward(places, column)
        ctx.shape, ctx.total = features.shape, total
        seen, rooted = (places, places) if column is None else (column * places, column.sqrt() * places)
        return sum_of_rows(seen[None], SUMMED_IN_A_BLOCK)[0] / total, _products(rooted) / total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        places, column = ctx.saved_tensors
        mean, gram = (gradient / ctx.total for gradient in gradients)
        flat = torch.addmm(mean.to(places.dtype), places, (gram + gram.T).to(places.dtype))
        if column is not None:
            flat *= column
        _, channels, height, width = ctx.shape
        return flat.view(1, height, width, channels).permute(0, 3, 1, 2), None, None


def _products(places: Tensor) -> Tensor:
    """(n, c) -> (c, c) float32.

    bfloat16 is multiplied in its own numbers, adds up in float32, and is rounded once a block: the error
    of the sum is under a thousandth, in a third of the time.
    """
    block = min(PLACES_IN_A_BLOCK, len(places) // FEWEST_BLOCKS)
    if places.dtype != torch.bfloat16 or block == 0:
        exact = places.float()
        return exact.T @ exact
    blocks = len(places) // block
    whole = places[: blocks * block].view(blocks, block, -1)
    rest = places[blocks * block :].float()
    return torch.bmm(whole.mT, whole).float().sum(0) + rest.T @ rest


class _TraceOfRoot(torch.autograd.Function):
    """tr(M^1/2) of a positive semidefinite (r, r) matrix; its gradient is M^-1/2 / 2."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, vectors = symmetric_eigen(matrix)
        roots = values.clamp(min=0).add(1e-6 * values[-1].clamp(min=1e-12)).sqrt()
        ctx.save_for_backward(vectors, roots)
        trace: Tensor = roots.sum()
        return trace

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        vectors, roots = ctx.saved_tensors
        inverse: Tensor = (vectors / (2 * roots)) @ vectors.T
        return gradients[0] * inverse
