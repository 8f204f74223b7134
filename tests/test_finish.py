from typing import get_args

import pytest
import torch

from impasto.methods.color import from_oklab, in_gamut, to_oklab
from impasto.methods.finish import STRIP_PIXELS, Finish, recolored_before
from impasto.methods.losses import statistics
from impasto.options import ColorsKeptBy
from tests.conftest import tensor


def test_oklab_and_back_is_the_same_colour() -> None:
    rgb = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(from_oklab(to_oklab(rgb)), rgb, atol=1e-4, rtol=0)
    torch.testing.assert_close(in_gamut(to_oklab(rgb)), rgb, atol=1e-4, rtol=0)


def test_oklab_of_known_colours() -> None:
    """White and red from the table of Ottosson's article."""
    white, red = to_oklab(torch.tensor([[1.0, 1, 1], [1, 0, 0]]).T.view(1, 3, 1, 2)).flatten(2)[0].T
    torch.testing.assert_close(white, torch.tensor([1.0, 0, 0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(red, torch.tensor([0.628, 0.225, 0.126]), atol=1e-3, rtol=0)


def test_colours_that_are_too_strong_keep_their_lightness() -> None:
    strong = to_oklab(torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0)))
    strong[:, 1:] *= 3
    rgb = in_gamut(strong)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    assert (to_oklab(rgb)[:, 0] - strong[:, 0]).abs().max() < 2e-3


def test_nothing_asked_is_nothing_done() -> None:
    painting = tensor("stripes")
    for finish in (Finish(), Finish(keep=0.5, by="before")):
        assert torch.equal(finish(painting.clone(), tensor("photo")), painting)


@pytest.mark.parametrize("by", ["luminance", "after"])
def test_more_of_the_photos_colours_is_nearer_to_them(by: ColorsKeptBy) -> None:
    photo, painting = tensor("photo"), tensor("stripes")
    wanted = to_oklab(photo)[:, 1:].mean((2, 3))
    away = []
    for keep in (0.0, 0.25, 0.5, 0.75, 1.0):
        finished = to_oklab(Finish(keep, by)(painting.clone(), photo))
        away.append(float((finished[:, 1:].mean((2, 3)) - wanted).norm()))
    assert away == sorted(away, reverse=True)
    assert away[-1] < 0.5 * away[0]


def test_by_luminance_the_lightness_is_the_paintings() -> None:
    painting = tensor("stripes")
    finished = Finish(1.0, "luminance")(painting.clone(), tensor("photo"))
    assert (to_oklab(finished)[:, 0] - to_oklab(painting)[:, 0]).abs().max() < 5e-3


def test_before_it_is_the_style_picture_that_changes_its_colours() -> None:
    photo, painting = tensor("photo"), tensor("dots")
    assert torch.equal(recolored_before(painting, photo, 0), painting)
    found = statistics(recolored_before(painting, photo, 1))
    assert (found.mean - statistics(photo).mean).norm() < 0.05


def test_saturation_goes_from_grey_to_vivid() -> None:
    painting = tensor("stripes") * 0.5 + 0.25
    chromas = [
        float(to_oklab(Finish(saturation=s)(painting.clone(), painting))[:, 1:].norm())
        for s in (0, 0.5, 1, 1.5)
    ]
    assert chromas == sorted(chromas)
    assert chromas[0] < 1e-3 * chromas[2]


@pytest.mark.parametrize("by", get_args(ColorsKeptBy))
def test_strips_leave_no_seams(by: ColorsKeptBy, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, painting, finish = tensor("photo"), tensor("stripes"), Finish(0.7, by, 1.3)
    whole = finish(painting.clone(), photo)
    monkeypatch.setattr("impasto.methods.finish.STRIP_PIXELS", STRIP_PIXELS // 100_000)
    torch.testing.assert_close(finish(painting.clone(), photo), whole)
