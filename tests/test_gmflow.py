"""GMFlow, as it is bundled."""

import pytest
import torch

from impasto.networks.gmflow import Windows
from impasto.networks.weights import load_gmflow
from tests.test_flow import clouds


def frames() -> tuple[torch.Tensor, torch.Tensor]:
    here = clouds(128, 192)
    return here, here.roll((9, -17), (2, 3))


def test_swapped_frames_swap_the_ways() -> None:
    here, there = frames()
    torch.testing.assert_close(
        load_gmflow()(here, there), load_gmflow()(there, here).flip(0), atol=1e-3, rtol=0
    )


def test_coarser_numbers_find_the_same() -> None:
    here, there = frames()
    fine, coarse = (load_gmflow()(here, there, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert (fine - coarse).abs().median() < 0.1


@pytest.mark.parametrize("shifted", [False, True])
def test_windows_are_cut_and_joined(shifted: bool) -> None:
    x = torch.rand(2, 12, 20, 3)
    windows = Windows(12, 20, 2, shifted)
    assert windows.cut(x).shape == (2, 4, 60, 3)
    torch.testing.assert_close(windows.joined(windows.cut(x)), x)


def test_opposite_sides_of_a_frame_do_not_see_each_other() -> None:
    windows = Windows(4, 4, 2, shifted=True)
    rows = torch.arange(4.0)[:, None].expand(4, 4)[None, ..., None]
    parts = windows.cut(rows)
    mask = windows.mask(parts)
    assert mask is not None
    far_apart = (parts - parts.transpose(2, 3)).abs() > 1
    assert far_apart.any()
    assert (mask[far_apart] == -torch.inf).all()
    assert (mask[0, 0] == 0).all()  # the window in the middle was not rolled round
