import pytest
import torch
from torch import Tensor

from impasto.methods.colorize import (
    Hint,
    Taste,
    colorize,
    mean_shares,
    palette_of,
    predict_colors,
    within_border,
)
from impasto.methods.gamut import bin_centres
from impasto.networks.cielab import to_lab
from tests.conftest import tensor

PLAIN = Taste(temperature=0.38, rarity=1.0, saturation=1.0, looks=1, size_px=64)


class TwoColors:
    """A colorist without a network: dark places are blue, light ones yellow, by `sure` against all others."""

    centres = bin_centres()

    def __init__(self, sure: float = 20.0) -> None:
        self.sure = sure
        self.rarity = torch.zeros(313)
        self.blue, self.yellow = (self._bin(ab) for ab in ((10, -40), (0, 60)))

    def _bin(self, ab: tuple[int, int]) -> int:
        return (self.centres == torch.tensor(ab)).all(1).nonzero().item()  # type: ignore[return-value]

    def __call__(self, lightness: Tensor, /) -> Tensor:
        small = torch.nn.functional.avg_pool2d(lightness, 4)
        scores = torch.zeros(len(lightness), 313, *small.shape[2:])
        scores[:, self.blue] = torch.where(small[:, 0] < 50, self.sure, 0.0)
        scores[:, self.yellow] = torch.where(small[:, 0] < 50, 0.0, self.sure)
        return scores


def halves(height: int = 96, width: int = 128) -> Tensor:
    """Dark on the left, light on the right, with some grain."""
    grey = torch.full((1, 1, height, width), 0.25)
    grey[..., width // 2 :] = 0.75
    grey += 0.02 * torch.randn(grey.shape, generator=torch.Generator().manual_seed(0))
    return grey.expand(-1, 3, -1, -1).clone()


def test_colors_are_those_of_the_network_and_lightness_stays() -> None:
    grey = halves()
    before = to_lab(grey)
    after = to_lab(colorize(TwoColors(), grey, PLAIN))
    torch.testing.assert_close(after[:, 0], before[:, 0], atol=1.0, rtol=0)
    torch.testing.assert_close(after[0, 1:, :, :60].mean((1, 2)), torch.tensor([10.0, -40.0]), atol=1, rtol=0)
    torch.testing.assert_close(after[0, 1:, :, 68:].mean((1, 2)), torch.tensor([0.0, 60.0]), atol=1, rtol=0)


def test_the_colors_that_a_scan_had_do_not_matter() -> None:
    grey = halves()
    sepia = grey * torch.tensor([1.0, 0.9, 0.7]).view(1, 3, 1, 1)
    light = to_lab(sepia)[:, :1]
    torch.testing.assert_close(
        predict_colors(TwoColors(), to_lab(colorize(TwoColors(), sepia, PLAIN))[:, :1], PLAIN),
        predict_colors(TwoColors(), light, PLAIN),
        atol=1.0,
        rtol=0,
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (97, 61)])
def test_pictures_of_any_size_are_colored(size: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    colored = colorize(TwoColors(), picture, PLAIN)
    assert colored.shape == (1, 3, *size)
    assert 0 <= colored.min() <= colored.max() <= 1


def test_a_mirrored_picture_gets_mirrored_colors_where_looks_are_even() -> None:
    lightness = to_lab(tensor("photo"))[:, :1]
    here = mean_shares(TwoColors(), lightness, 4, 64)
    there = mean_shares(TwoColors(), lightness.flip(3), 4, 64)
    torch.testing.assert_close(here, there.flip(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(here.sum(1), torch.ones_like(here[:, 0]))


def test_saturation_multiplies_and_none_is_grey() -> None:
    lightness = to_lab(halves())[:, :1]
    once, none, twice = (
        predict_colors(TwoColors(), lightness, PLAIN._replace(saturation=saturation))
        for saturation in (1.0, 0.0, 2.0)
    )
    torch.testing.assert_close(twice, 2 * once)
    assert (none == 0).all()


@pytest.mark.parametrize("rarity", [1.0, 0.0])
def test_a_higher_temperature_is_paler(rarity: float) -> None:
    """Also where rebalancing made the likeliest bin the likeliest, and is taken back."""
    lightness = to_lab(halves())[:, :1]
    network = TwoColors(sure=4.0)
    network.rarity[network.yellow] = network.rarity[network.blue] = 3.0
    chromas = [
        predict_colors(network, lightness, PLAIN._replace(temperature=temperature, rarity=rarity))
        .norm(dim=1)
        .mean()
        for temperature in (0.0, 0.2, 0.38, 1.0)
    ]
    assert chromas == sorted(chromas, reverse=True)
    assert chromas[0] > 1.2 * chromas[-1]


def test_what_the_loss_favoured_can_be_taken_back() -> None:
    lightness = to_lab(halves())[:, :1]
    network = TwoColors(sure=3.0)
    fair = predict_colors(network, lightness, PLAIN)
    network.rarity[network.yellow] = 2.0
    favoured = predict_colors(network, lightness, PLAIN)
    taken_back = predict_colors(network, lightness, PLAIN._replace(rarity=0.0))
    torch.testing.assert_close(favoured, fair)
    assert taken_back[:, 1, :, 10:].mean() < fair[:, 1, :, 10:].mean() - 5


def test_a_hint_colors_what_looks_alike_and_nothing_else() -> None:
    red = (30.0, 15.0)
    taste = PLAIN._replace(hints=[Hint(48, 20, red)])
    after = to_lab(colorize(TwoColors(), halves(), taste))
    torch.testing.assert_close(after[0, 1:, 48, 20], torch.tensor(red), atol=3, rtol=0)
    assert (after[0, 1, 40:56, 10:30] > 20).all()
    torch.testing.assert_close(after[0, 1:, :, 80:].mean((1, 2)), torch.tensor([0.0, 60.0]), atol=1, rtol=0)


def test_a_reference_makes_its_colors_likelier() -> None:
    lightness = to_lab(halves())[:, :1]
    reference = torch.tensor([0.8, 0.3, 0.25]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    palette = palette_of(reference, bin_centres())
    assert palette.sum().item() == pytest.approx(1, abs=1e-4)
    unsure = TwoColors(sure=6.0)
    plain = predict_colors(unsure, lightness, PLAIN)
    led = predict_colors(unsure, lightness, PLAIN._replace(palette=palette))
    assert led[:, 0].mean() > plain[:, 0].mean() + 5


def test_a_border_on_all_sides_is_left_grey() -> None:
    picture = torch.full((1, 3, 120, 160), 0.95)
    picture[:, :, 10:110, 12:150] = halves(100, 138)
    rows, columns = within_border(to_lab(picture)[:, :1])
    assert (rows.start, rows.stop, columns.start, columns.stop) == (10, 110, 12, 150)
    colored = to_lab(colorize(TwoColors(), picture, PLAIN))
    assert colored[0, 1:, :9].abs().max() < 0.1
    assert colored[0, 2, 50, 100] > 40


def test_a_plain_sky_is_no_border() -> None:
    picture = halves()
    picture[:, :, :20] = 0.95
    assert within_border(to_lab(picture)[:, :1]) == (slice(0, 96), slice(0, 128))
