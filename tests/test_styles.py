import torch

from impasto.methods.losses import Statistics
from impasto.methods.styles import blend, measure, resize_longest, style_of_card, style_of_painting
from impasto.networks.vgg import Vgg
from tests.conftest import tensor


def flat(value: float) -> dict[str, Statistics]:
    return {"1_1": Statistics(torch.full((2,), value), torch.full((2, 2), value))}


def test_a_painting_is_never_enlarged() -> None:
    painting = tensor("dots", 100, 80)
    assert resize_longest(painting, 500) is painting
    assert resize_longest(painting, 50).shape == (1, 3, 40, 50)


def test_a_painting_is_measured_at_the_size_asked_for(vgg: Vgg) -> None:
    style = style_of_painting(vgg, tensor("dots"))
    small, large = style(64), style(128)
    assert set(small) == {"1_1", "2_1", "3_1", "4_1", "5_1", "rgb"}
    assert not torch.allclose(small["3_1"].gram, large["3_1"].gram, rtol=0.05)
    assert style(64) is small


def test_a_card_gives_its_own_sizes_back_and_stays_between_them() -> None:
    card = style_of_card({256: flat(1.0), 512: flat(2.0)})
    assert card(256)["1_1"].mean[0] == 1
    assert card(512)["1_1"].mean[0] == 2
    assert card(100)["1_1"].mean[0] == 1
    assert card(4000)["1_1"].mean[0] == 2
    torch.testing.assert_close(card(362)["1_1"].mean[0], torch.tensor(1.5), atol=1e-3, rtol=0)


def test_a_blend_is_the_statistics_of_both_paintings_side_by_side(vgg: Vgg) -> None:
    left, right = tensor("dots", 128, 96), tensor("stripes", 128, 96)
    mixed = blend([style_of_painting(vgg, left), style_of_painting(vgg, right)], [1, 1])(128)
    beside = measure(vgg, torch.cat([left, right], dim=3))
    # The seam is the only difference.
    assert (mixed["1_1"].gram - beside["1_1"].gram).norm() < 0.05 * beside["1_1"].gram.norm()


def test_shares_of_a_blend_count_in_proportion() -> None:
    mixed = blend([lambda _: flat(0.0), lambda _: flat(4.0)], [3, 1])(256)
    assert mixed["1_1"].mean[0] == 1
