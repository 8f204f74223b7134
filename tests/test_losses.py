from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.methods.losses import (
    Statistics,
    StyleLoss,
    gram_loss,
    moments_loss,
    squared_distance,
    statistics,
    statistics_of_each,
    variance_of,
    wasserstein_loss,
)


def features(seed: int, channels: int = 8, places: int = 12) -> torch.Tensor:
    mixing = torch.randn(channels, channels, generator=torch.Generator().manual_seed(seed))
    noise = torch.randn(channels, places * places, generator=torch.Generator().manual_seed(seed + 1000))
    return (mixing @ noise + seed % 3).view(1, channels, places, places)


LOSSES: dict[str, Callable[[Statistics], StyleLoss]] = {
    "gram": gram_loss,
    "moments": moments_loss,
    "wasserstein": lambda style: wasserstein_loss(style, rank=8),
}


@pytest.mark.parametrize("name", LOSSES)
@given(seed=st.integers(0, 50))
@settings(max_examples=10)
def test_a_style_is_at_no_distance_from_itself_and_at_some_from_others(name: str, seed: int) -> None:
    here, there = statistics(features(seed)), statistics(features(seed + 1))
    loss = LOSSES[name](here)
    assert loss(here).item() == pytest.approx(0, abs=2e-3)
    assert loss(there).item() > 0.01


def test_statistics_forget_where_things_are() -> None:
    one = features(3)
    shuffled = one.flatten(2)[..., torch.randperm(144)].view_as(one)
    for found, wanted in zip(statistics(shuffled), statistics(one), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_statistics_are_float32_whatever_the_features_are() -> None:
    large = torch.full((1, 4, 64, 64), 900.0, dtype=torch.float16)  # its square overflows float16
    found = statistics(large)
    assert found.gram.dtype == torch.float32
    assert found.gram[0, 0].item() == pytest.approx(810_000, rel=1e-4)


def test_covariance_is_the_gram_matrix_about_the_mean() -> None:
    flat = features(5)[0].flatten(1)
    torch.testing.assert_close(
        statistics(features(5)).covariance, torch.cov(flat, correction=0), rtol=1e-4, atol=1e-4
    )


def test_wasserstein_agrees_with_the_closed_form_of_commuting_gaussians() -> None:
    # For diagonal covariances the distance is that of the standard deviations.
    a, b = torch.tensor([1.0, 4.0, 9.0]), torch.tensor([4.0, 4.0, 1.0])
    mean_a, mean_b = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 1.0, 0.0])
    style = Statistics(mean_b, torch.diag(b) + torch.outer(mean_b, mean_b))
    found = Statistics(mean_a, torch.diag(a) + torch.outer(mean_a, mean_a))
    distance = (mean_a - mean_b).square().sum() + (a.sqrt() - b.sqrt()).square().sum()
    relative = (distance / style.gram.trace()).item()
    assert wasserstein_loss(style, rank=3)(found).item() == pytest.approx(relative, abs=1e-2)


def test_wasserstein_gradient_is_the_true_one() -> None:
    loss = wasserstein_loss(statistics(features(7)), rank=8)
    x = features(8).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(statistics(x)), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(9))
    h = 1e-2
    with torch.no_grad():
        ahead, behind = loss(statistics(x + h * direction)), loss(statistics(x - h * direction))
    assert (gradient * direction).sum().item() == pytest.approx(((ahead - behind) / (2 * h)).item(), rel=0.02)


def test_a_flat_picture_is_as_far_from_a_photo_as_the_photo_varies() -> None:
    photo = features(2)
    assert squared_distance(photo, photo).item() == 0
    flat = photo.mean((2, 3), keepdim=True).expand_as(photo)
    distance = squared_distance(flat, photo) / photo.numel()
    assert distance.item() == pytest.approx(variance_of(statistics(photo)).item(), rel=1e-3)


def test_bfloat16_features_have_nearly_the_statistics_of_float32() -> None:
    exact = features(4, places=50).relu()
    coarse = statistics(exact.bfloat16().contiguous(memory_format=torch.channels_last))
    wanted = statistics(exact.bfloat16().float())
    assert (coarse.gram - wanted.gram).norm() < 2e-3 * wanted.gram.norm()
    torch.testing.assert_close(coarse.mean, wanted.mean, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-4), (torch.bfloat16, 2e-2)])
def test_several_pictures_have_each_its_own_statistics_and_distances(dtype: torch.dtype, near: float) -> None:
    pictures = [features(seed, places=32).relu().to(dtype) for seed in (4, 5, 6)]
    found, wanted = statistics_of_each(torch.cat(pictures)), [statistics(one) for one in pictures]
    other = statistics(features(7).relu())
    torch.testing.assert_close(found.mean, torch.stack([one.mean for one in wanted]), rtol=near, atol=near)
    torch.testing.assert_close(found.gram, torch.stack([one.gram for one in wanted]), rtol=near, atol=near)
    for loss in (moments_loss(other), gram_loss(other)):
        torch.testing.assert_close(
            loss(found), torch.stack([loss(one) for one in wanted]), rtol=near, atol=near
        )
    variances = torch.stack([variance_of(one) for one in wanted])
    torch.testing.assert_close(variance_of(found), variances, rtol=near, atol=near)


def test_weights_of_one_change_nothing_and_of_zero_leave_out() -> None:
    left = features(6)[..., :7]
    marked = torch.zeros((12, 12))
    marked[:, :7] = 1
    for found, wanted in (
        (statistics(features(6), torch.ones((12, 12))), statistics(features(6))),
        (statistics(features(6), marked), statistics(left)),
    ):
        torch.testing.assert_close(found.mean, wanted.mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found.gram, wanted.gram, rtol=1e-4, atol=1e-4)


def test_parts_of_a_picture_add_up() -> None:
    whole = statistics(features(6))
    parts = [statistics(part, total=144) for part in torch.split(features(6), 5, dim=2)]
    torch.testing.assert_close(torch.stack([part.mean for part in parts]).sum(0), whole.mean)
    torch.testing.assert_close(
        torch.stack([part.gram for part in parts]).sum(0), whole.gram, rtol=1e-4, atol=1e-4
    )


def test_the_gradient_of_weighed_statistics_is_the_true_one() -> None:
    x = features(8).double().float().requires_grad_()
    weights = torch.rand((12, 12), generator=torch.Generator().manual_seed(3))
    pull = torch.randn((8, 8), generator=torch.Generator().manual_seed(4))
    found = statistics(x, weights)
    (gradient,) = torch.autograd.grad((pull * found.gram).sum() + found.mean.sum(), x)
    flat, w = x[0].flatten(1), weights.flatten() / weights.sum()
    (wanted,) = torch.autograd.grad((pull * ((w * flat) @ flat.T)).sum() + (w * flat).sum(), x)
    torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-4)
