import torch
from hypothesis import given
from hypothesis import strategies as st

from impasto.methods.losses import statistics
from impasto.methods.styles import STYLE_LAYERS
from impasto.methods.tiles import cut, statistics_over, whole
from impasto.networks.vgg import POOLED_STRIDE, Vgg, halo_px
from tests.conftest import tensor


@given(height=st.integers(16, 3000), width=st.integers(16, 3000), core=st.integers(1, 1500))
def test_cores_cover_a_picture_once(height: int, width: int, core: int) -> None:
    tiles = cut((height, width), core, 64)
    for stride in (1, 2, 16):
        counted = torch.zeros((height // stride, width // stride), dtype=torch.uint8)
        for tile in tiles:
            part = tile.core_of_all(counted, stride)
            assert part.numel() > 0
            part += 1
        assert (counted == 1).all()
    assert all(tile.rows.outer[0] % POOLED_STRIDE == 0 for tile in tiles)


def test_a_core_is_found_in_what_is_seen_around_it() -> None:
    picture = torch.arange(96 * 80.0).view(1, 1, 96, 80)
    for tile in cut((96, 80), 32, 16):
        (top, bottom), (left, right) = tile.rows.core, tile.columns.core
        assert torch.equal(tile.core(tile.outer(picture), 1), picture[..., top:bottom, left:right])


def test_statistics_add_up_over_the_tiles(vgg: Vgg) -> None:
    picture = tensor("dots", 133, 118)
    tiles = cut((118, 133), 48, halo_px("vgg16", STYLE_LAYERS))
    features = vgg(picture, STYLE_LAYERS)
    for layer, found in statistics_over(vgg, picture, STYLE_LAYERS, tiles).items():
        torch.testing.assert_close(found.gram, statistics(features[layer]).gram, rtol=1e-4, atol=1e-4)


def test_one_tile_is_the_whole() -> None:
    picture = tensor("photo")
    assert torch.equal(whole(picture).outer(picture), picture)
