import pytest
import torch
from torch import Tensor

from impasto.methods.upsampling import upsampled


def enlarged(colors: Tensor, lightness: Tensor) -> Tensor:
    return torch.cat([strip for _, strip in upsampled(colors, lightness)], 2)


@pytest.mark.parametrize("size", [(64, 96), (61, 97), (8, 300), (700, 1001)])
def test_one_color_stays_one_color_at_any_size(size: tuple[int, int]) -> None:
    colors = torch.tensor([12.0, -30.0]).view(1, 2, 1, 1).expand(1, 2, 6, 9)
    lightness = 100 * torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    result = enlarged(colors, lightness)
    assert result.shape == (1, 2, *size)
    torch.testing.assert_close(result, colors[:, :, :1, :1].expand_as(result), atol=1e-3, rtol=0)


def test_without_edges_it_is_smooth() -> None:
    ramp = torch.linspace(-40, 40, 12).view(1, 1, 1, 12).expand(1, 2, 8, 12)
    result = enlarged(ramp, torch.full((1, 1, 256, 384), 50.0))
    assert result.diff(dim=3).abs().max() < 1.0


def test_colors_stop_at_an_edge_of_lightness() -> None:
    """An edge between two places of the small colours, which know nothing of where exactly it is."""
    lightness = torch.full((1, 1, 240, 320), 30.0)
    lightness[..., 150:] = 70.0
    colors = torch.full((1, 2, 12, 16), -40.0)
    colors[..., 7:] = 40.0
    colors[..., 7] = 0.0  # the small colour under the edge is a mixture
    result = enlarged(colors, lightness)
    assert (result[..., :148] < -30).all()
    assert (result[..., 152:] > 30).all()
