"""Flow finds what moved."""

import pytest
import torch
from torch import Tensor

from impasto.methods.flow import Classical, flow_between, flows_between, resize_flow
from impasto.methods.styles import resize_to
from impasto.options import FlowMethod

DIS_AND_AUTO: tuple[FlowMethod, ...] = ("dis", "auto")


def clouds(height: int = 96, width: int = 128) -> Tensor:
    """(1, 3, h, w) of soft noise, for flow to hold on to."""
    noise = torch.rand((1, 3, height // 8, width // 8), generator=torch.Generator().manual_seed(0))
    return resize_to(noise, (height, width)).clamp(0, 1)


@pytest.mark.parametrize("method", ["dis", "deepflow", "farneback"])
def test_a_shift_is_found(method: Classical) -> None:
    """The scene goes 3 to the right and 2 down, so what is at p was at p - (3, 2)."""
    before = clouds()
    now = before.roll((2, 3), (2, 3))
    flow = flow_between(now, before, method)[..., 16:-16, 16:-16]
    expected = torch.tensor([-3.0, -2.0]).view(1, 2, 1, 1)
    assert (flow - expected).abs().mean() < 0.2


def test_the_network_finds_a_shift_both_ways() -> None:
    """In a frame whose sides are no multiples of what the network asks for."""
    before = clouds(70, 300)
    now = before.roll((2, 3), (2, 3))
    there, back = (flow[..., 16:-16, 16:-16] for flow in flows_between(now, before, "gmflow"))
    expected = torch.tensor([-3.0, -2.0]).view(1, 2, 1, 1)
    assert (there - expected).abs().mean() < 0.4
    assert (back + expected).abs().mean() < 0.4


def test_what_goes_far_is_left_to_the_network() -> None:
    """The camera pans by a fifth of the frame, where DIS is lost."""
    wide = clouds(96, 240)
    before, now = wide[..., :192], wide[..., 40:232]
    expected = torch.tensor([40.0, 0.0]).view(1, 2, 1, 1)
    by_dis, found = (flows_between(now, before, method).there[..., :144] for method in DIS_AND_AUTO)
    assert (by_dis - expected).abs().mean() > 10
    assert (found - expected).abs().mean() < 1


def test_what_moves_little_is_left_to_dis() -> None:
    before = clouds()
    now = before.roll((2, 3), (2, 3))
    expected, found = (flows_between(now, before, method) for method in DIS_AND_AUTO)
    torch.testing.assert_close(found, expected)


def test_computed_small_it_is_still_in_pixels_of_the_frame() -> None:
    before = clouds(192, 256)
    now = before.roll((4, 6), (2, 3))
    flow = flow_between(now, before, longest_px=128)[..., 32:-32, 32:-32]
    assert (flow - torch.tensor([-6.0, -4.0]).view(1, 2, 1, 1)).abs().mean() < 0.6


def test_a_uniform_flow_stays_uniform_at_any_size() -> None:
    flow = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 8, 12)
    larger = resize_flow(flow, (24, 24))
    torch.testing.assert_close(larger, torch.tensor([4.0, -3.0]).view(1, 2, 1, 1).expand(1, 2, 24, 24))
