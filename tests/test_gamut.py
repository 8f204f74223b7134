from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.methods import gamut
from impasto.networks.cielab import to_lab

PUBLISHED = Path(__file__).parents[2] / "shared/data/models/colorization/pts_in_hull.npy"
CENTRES = gamut.bin_centres()


def test_there_are_313_bins_on_a_grid_of_ten_in_the_papers_order() -> None:
    assert CENTRES.shape == (313, 2)
    assert (CENTRES % 10 == 0).all()
    assert all(tuple(here.tolist()) < tuple(there.tolist()) for here, there in pairwise(CENTRES))


def test_every_color_of_srgb_is_near_a_bin() -> None:
    rgb = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    ab = to_lab(rgb)[0, 1:].flatten(1).T
    assert torch.cdist(ab, CENTRES).amin(1).max() <= 5 * 2**0.5 + 1e-4


def test_soft_shares_sum_to_one_and_the_nearest_bin_has_most() -> None:
    colors = gamut.soft_encode(torch.tensor([[3.0, -4.0], [300.0, 300.0]]), CENTRES)
    torch.testing.assert_close(colors.shares.sum(1), torch.ones(2))
    assert CENTRES[colors.bins[0, 0]].tolist() == [0, 0]
    assert (colors.shares.diff(dim=1) <= 0).all()


def test_a_color_on_a_bin_keeps_its_place_through_encoding_and_the_mean() -> None:
    ab = torch.tensor([[20.0, 30.0]])
    colors = gamut.soft_encode(ab, CENTRES)
    logits = torch.full((1, 313, 1, 1), -100.0)
    logits[0, colors.bins[0], 0, 0] = colors.shares[0].log()
    torch.testing.assert_close(gamut.annealed_mean(logits, CENTRES, 1.0).flatten(), ab[0], atol=0.6, rtol=0)


def test_rebalancing_is_one_on_average_and_favours_the_rare() -> None:
    counts = torch.zeros(313)
    counts[100], counts[200] = 900.0, 100.0
    prior = gamut.smoothed_prior(counts, CENTRES)
    assert prior.sum() == pytest.approx(1)
    weights = gamut.rebalancing(prior)
    assert (prior * weights).sum().item() == pytest.approx(1)
    assert weights[100] < weights[200] < weights[0]
    torch.testing.assert_close(gamut.rebalancing(prior, 1.0), torch.ones(313))


def test_temperature_goes_from_the_mean_to_the_likeliest_bin() -> None:
    logits = torch.randn(1, 313, 2, 2, generator=torch.Generator().manual_seed(0))
    mean = torch.einsum("nqhw,qc->nchw", logits.softmax(1), CENTRES)
    torch.testing.assert_close(gamut.annealed_mean(logits, CENTRES, 1.0), mean)
    likeliest = CENTRES[logits.argmax(1)].permute(0, 3, 1, 2)
    torch.testing.assert_close(gamut.annealed_mean(logits, CENTRES, 0.0), likeliest, atol=0.1, rtol=0)


def test_the_loss_is_least_where_the_scores_are_the_shares() -> None:
    colors = gamut.soft_encode(torch.tensor([[12.0, 7.0], [-33.0, 41.0]]), CENTRES)
    truth = torch.full((2, 313), 1e-9).scatter(1, colors.bins, colors.shares).log()
    weights = torch.ones(313)
    least = gamut.color_loss(truth, colors, weights)
    noise = torch.randn(2, 313, generator=torch.Generator().manual_seed(0))
    assert least < gamut.color_loss(truth + 0.1 * noise, colors, weights)
    assert gamut.color_loss(truth, colors, 2 * weights).item() == pytest.approx(2 * least.item())


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published bins are not part of the project")
def test_nearly_all_bins_are_those_of_the_authors() -> None:
    published = {tuple(point) for point in np.load(PUBLISHED).tolist()}
    assert len(published & {tuple(point) for point in CENTRES.int().tolist()}) >= 309
