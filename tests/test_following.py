"""A frame painted after others keeps to them, and its objective has the temporal term as one more."""

import torch
from torch import Tensor

from impasto.methods.following import Hold, Tie, beginning, drafted, held_to, paint_following, tied
from impasto.methods.optimize import search_for
from impasto.methods.temporal import Anchor, temporal_loss


def picture(seed: int) -> Tensor:
    return torch.rand((1, 3, 16, 24), generator=torch.Generator().manual_seed(seed))


def still(weight: float = 1.0) -> Tie:
    return Tie(torch.zeros((1, 2, 16, 24)), torch.full((1, 1, 16, 24), weight))


def test_the_term_is_added_with_its_gradient() -> None:
    anchor = Anchor(picture(1), picture(2)[:, :1])

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.square().sum(), 2 * x

    x = picture(0).requires_grad_()
    expected = x.square().sum() + 7 * temporal_loss(x, anchor)
    loss, gradient = tied(evaluate, anchor, 7)(x.detach())
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, x)[0])


def test_nearer_frames_are_held_to_first() -> None:
    near, far = picture(1), picture(2)
    both = held_to([still(), still()], [near, far])
    torch.testing.assert_close(both.picture, near, atol=1e-4, rtol=0)
    only_far = held_to([still(0), still()], [near, far])
    torch.testing.assert_close(only_far.picture, far, atol=1e-4, rtol=0)
    nothing = held_to([still(0)], [near])
    assert float(nothing.weight.max()) == 0
    assert bool(nothing.picture.isfinite().all())


def test_a_frame_starts_from_what_it_is_held_to_and_else_from_its_ground() -> None:
    weight = torch.zeros((1, 1, 16, 24))
    weight[..., :12] = 1
    anchor, ground = Anchor(picture(1), weight), picture(2)
    start = beginning(ground, anchor)
    torch.testing.assert_close(start[..., :12], picture(1)[..., :12])
    torch.testing.assert_close(start[..., 12:], ground[..., 12:])
    later = beginning(ground, anchor, 0.5)
    torch.testing.assert_close(later[..., 12:], ground[..., 12:])
    torch.testing.assert_close(later[..., :12], (ground + picture(1))[..., :12] / 2)


def test_a_frame_that_nothing_pulls_elsewhere_ends_at_what_it_is_held_to() -> None:
    anchor = Anchor(picture(1), torch.ones((1, 1, 16, 24)))

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(()), torch.zeros_like(x)

    x = paint_following(evaluate, picture(2), anchor, 30, Hold(weight=100), search_for("lbfgs"))
    assert float((x - picture(1)).abs().mean()) < 0.01
    blended = paint_following(evaluate, picture(2), anchor, 1, Hold(weight=0, blend=1), search_for("lbfgs"))
    torch.testing.assert_close(blended, picture(1))


def test_a_draft_keeps_strokes_follows_colours_and_fills_in_what_is_new() -> None:
    """Held to red strokes on the left; the frame's own draft has others, and is bluer."""
    strokes = 0.2 * (torch.arange(96) % 4 < 2).float().expand(1, 3, 64, 96)
    before, fresh = 0.3 + strokes, 0.3 + strokes.roll(2, 3)
    fresh[:, 2] += 0.2
    weight = torch.zeros((1, 1, 64, 96))
    weight[..., :48] = 1
    found = drafted(fresh, Anchor(before, weight))
    assert torch.equal(found[..., 48:], fresh[..., 48:])
    change = (found - before)[..., 16:-16, 12:28]
    torch.testing.assert_close(change[:, 2], torch.full_like(change[:, 2], 0.04), atol=0.01, rtol=0)
    assert change[:, :2].abs().max() < 0.01
