"""Laws of warping, of weights and of the temporal loss."""

import torch
from torch import Tensor

from impasto.methods.temporal import (
    Anchor,
    anchored,
    correspondence,
    disoccluded,
    long_term_weights,
    motion_boundary,
    temporal_loss,
    warp,
    warp_error,
    warp_sharply,
    warp_within,
)


def picture(seed: int = 0, height: int = 20, width: int = 30) -> Tensor:
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed))


def uniform(x: float, y: float, height: int = 20, width: int = 30) -> Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).expand(1, 2, height, width)


def test_zero_flow_is_the_identity() -> None:
    assert torch.equal(warp(picture(), uniform(0, 0)), picture())


def test_whole_flow_copies_values() -> None:
    moved = warp(picture(), uniform(4, -3))
    assert torch.equal(moved[..., 3:, :-4], picture()[..., :-3, 4:])


def test_the_sharp_warp_agrees_and_stays_sharp() -> None:
    """Exact for whole flows as well; and a fine pattern moved by half a pixel twice keeps more of itself."""
    for flow in (uniform(0, 0), uniform(4, -3)):
        torch.testing.assert_close(warp_sharply(picture(), flow), warp(picture(), flow), atol=1e-4, rtol=0)
    waves = torch.sin(torch.arange(30.0) * 1.2).expand(1, 3, 20, 30)
    half = uniform(0.5, 0)
    sharp, soft = warp_sharply(warp_sharply(waves, half), half), warp(warp(waves, half), half)
    assert sharp[..., 4:-4].std() > 1.1 * soft[..., 4:-4].std()


def test_a_bounded_warp_does_not_ring_however_often() -> None:
    """An edge that is moved to and fro by half a pixel: the cubic alone runs ever further beyond it."""
    edge = (torch.arange(30) >= 15).float().expand(1, 3, 20, 30)
    free = bounded = edge
    for turn in range(40):
        flow = uniform(0.5 if turn % 2 else -0.5, 0)
        free, bounded = warp_sharply(free, flow), warp_within(bounded, flow)
    assert free.max() > 1.1
    assert 0 <= bounded.min() <= bounded.max() <= 1
    soft = edge
    for turn in range(40):
        soft = warp(soft, uniform(0.5 if turn % 2 else -0.5, 0))
    assert bounded.diff(dim=3).max() > 1.5 * soft.diff(dim=3).max()


def test_half_a_pixel_is_the_mean_of_two() -> None:
    moved = warp(picture(), uniform(0.5, 0))
    mean = (picture()[..., :-1] + picture()[..., 1:]) / 2
    torch.testing.assert_close(moved[..., :-1], mean)


def test_outside_the_border_continues() -> None:
    assert torch.equal(warp(picture(), uniform(-100, 0)), picture()[..., :1].expand(1, 3, 20, 30))


def test_a_linear_ramp_is_warped_exactly() -> None:
    ramp = torch.arange(30.0).view(1, 1, 1, 30).expand(1, 1, 20, 30)
    flow = torch.rand((1, 2, 20, 30), generator=torch.Generator().manual_seed(1)) * 2
    torch.testing.assert_close(warp(ramp, flow)[..., :27], (ramp + flow[:, :1])[..., :27])


def test_flow_and_its_way_back_hide_nothing() -> None:
    weight = correspondence(uniform(3, 0), uniform(-3, 0))
    assert weight[..., :27].min() == 1
    assert weight[..., 27:].max() == 0, "they lead out of the frame"


def test_what_the_object_covered_is_disoccluded() -> None:
    """A block moves 6 to the right; what lay below it comes to light behind it."""
    before, after = slice(6, 14), slice(12, 20)
    to_before, to_after = uniform(0, 0).clone(), uniform(0, 0).clone()
    to_before[:, 0, 4:16, after] = -6
    to_after[:, 0, 4:16, before] = 6
    hidden = disoccluded(to_before, to_after)
    assert bool(hidden[0, 0, 4:16, 6:12].all()), "the uncovered ground"
    assert not bool(hidden[0, 0, 4:16, after].any()), "the block itself"
    assert not bool(hidden[0, 0, :4].any())


def test_boundaries_of_motion_are_where_flow_jumps() -> None:
    flow = uniform(0, 0).clone()
    flow[:, :, :, 15:] = 5
    found = motion_boundary(flow)
    assert bool(found[..., 14].all())
    assert found.sum() == 20


def test_formulas_are_those_of_the_paper() -> None:
    """Just below and just above each threshold, for one pixel worked out by hand."""
    at_rest = uniform(0, 0)
    for x, hidden in ((0.70, False), (0.72, True)):  # x² > 0.01 x² + 0.5
        assert bool(disoccluded(at_rest, uniform(x, 0)).all()) == hidden
    for step, jumps in ((0.044, False), (0.046, True)):  # step² > 0.002 beside a flow of zero
        flow = at_rest.clone()
        flow[..., 10:] = torch.tensor([step, 0.0]).view(1, 2, 1, 1)
        assert bool(motion_boundary(flow)[..., 9].any()) == jumps


def test_long_term_weights_fill_what_nearer_frames_leave() -> None:
    near, middle, far = (
        torch.tensor(w).view(1, 1, 1, 4) for w in ([1.0, 0, 0, 0], [1.0, 1, 0, 0], [1.0, 1, 1, 0])
    )
    found = long_term_weights([near, middle, far])
    assert torch.equal(found[0], near)
    assert torch.equal(torch.stack(found).sum(0), far)
    assert all(float(weight.min()) >= 0 for weight in found)


def test_the_loss_has_the_paper_s_value_and_gradient() -> None:
    """Per pixel, not per picture; the gradient is 2 c (x - w) / D."""
    x, wanted = picture(0).requires_grad_(), picture(1)
    weight = (picture(2)[:, :1] > 0.5).float()
    loss = temporal_loss(x, Anchor(wanted, weight))
    (gradient,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(gradient, 2 * weight * (x - wanted).detach() / x.numel())
    assert bool((gradient[(weight == 0).expand_as(gradient)] == 0).all())
    assert float(loss.detach()) > 0


def test_one_anchor_pulls_like_all_of_them() -> None:
    x = picture(0).requires_grad_()
    warped = [picture(seed) for seed in (1, 2, 3)]
    weights = [picture(seed)[:, :1] for seed in (4, 5, 6)]
    apart = sum(
        (temporal_loss(x, Anchor(w, c)) for w, c in zip(warped, weights, strict=True)), torch.zeros(())
    )
    together = temporal_loss(x, anchored(warped, weights))
    torch.testing.assert_close(torch.autograd.grad(together, x), torch.autograd.grad(apart, x))


def test_a_perfectly_moved_painting_has_no_warp_error() -> None:
    before = picture()
    now = warp(before, uniform(2, 1))
    assert warp_error(now, before, uniform(2, 1), torch.ones((1, 1, 20, 30))) == 0
    assert warp_error(now + 0.1, before, uniform(2, 1), torch.ones((1, 1, 20, 30))) > 0.009
