"""Laws of colours in film: they move with what is shown, and settle."""

import torch
from torch import Tensor

from impasto.methods.color_film import HELD, MOST_FRAMES, Belief, believed, held
from impasto.methods.flow import Flows
from impasto.methods.following import Tie
from impasto.networks.cielab import from_lab, to_lab

BINS = 5


def shares_of(seed: int) -> Tensor:
    return torch.rand(1, BINS, 8, 12, generator=torch.Generator().manual_seed(seed)).softmax(1)


def moved(right_px: float, back_px: float | None = None) -> Flows:
    """A frame of four times the places, found so many pixels further right in the one before."""
    there, back = torch.zeros(2, 1, 2, 32, 48)
    there[:, 0] = right_px
    back[:, 0] = -right_px if back_px is None else back_px
    return Flows(there, back)


def test_what_is_believed_of_a_still_film_is_the_mean_of_what_was_said() -> None:
    said = [shares_of(seed) for seed in range(6)]
    belief = believed(said[0])
    for shares in said[1:]:
        belief = believed(shares, belief, moved(0))
    torch.testing.assert_close(belief.shares, torch.stack(said).mean(0), atol=2e-3, rtol=0)
    assert torch.equal(belief.frames, torch.full((1, 1, 8, 12), 6.0))


def test_a_belief_moves_with_what_is_shown() -> None:
    said = shares_of(0)
    belief = believed(said)
    after = believed(said.roll(-1, 3), belief, moved(4))
    torch.testing.assert_close(after.shares[..., :-2], said.roll(-1, 3)[..., :-2], atol=2e-3, rtol=0)


def test_what_was_not_seen_before_is_believed_as_it_is_said() -> None:
    belief = believed(shares_of(1), believed(shares_of(0)), moved(0, back_px=9))
    torch.testing.assert_close(belief.shares, shares_of(1), atol=1e-3, rtol=0)
    assert torch.equal(belief.frames, torch.ones(1, 1, 8, 12))


def test_a_belief_goes_on_changing() -> None:
    belief, other = believed(shares_of(0)), shares_of(1)
    for _ in range(4 * int(MOST_FRAMES)):
        belief = believed(other, belief, moved(0))
    assert belief.frames.max() == MOST_FRAMES
    assert (belief.shares - other).abs().max() < 0.1 * (shares_of(0) - other).abs().max()


def test_a_belief_survives_its_file() -> None:
    belief = believed(shares_of(1), believed(shares_of(0)), moved(1.3))
    again = Belief.of(belief.stored)
    assert torch.equal(again.shares, belief.shares)
    assert torch.equal(again.frames, belief.frames)


def test_colours_are_held_to_those_before_and_lightness_is_not() -> None:
    def frame(ab: tuple[float, float], light: float) -> Tensor:
        return from_lab(torch.tensor([light, *ab]).view(1, 3, 1, 1).expand(1, 3, 32, 48))

    here, before = frame((20.0, 0.0), 60.0), frame((0.0, 20.0), 50.0)
    lightness = torch.full((1, 1, 32, 48), 60.0)
    found = to_lab(held(here, lightness, before, Tie.by(moved(0)))).mean((0, 2, 3))
    wanted = torch.tensor([60.0, 20 * (1 - HELD), 20 * HELD])
    torch.testing.assert_close(found, wanted, atol=0.1, rtol=0)
    torch.testing.assert_close(held(here, lightness, before, Tie.by(moved(0, 9))), here, atol=1e-3, rtol=0)
