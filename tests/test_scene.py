import torch
from torch import Tensor

from impasto.methods.ladder import climb, plan
from impasto.methods.losses import statistics
from impasto.methods.objective import loss_and_gradient, wanted
from impasto.methods.scene import Region, Scene, Wishes, scene_of
from impasto.methods.styles import STYLE_LAYERS, StyleAt, style_of_painting
from impasto.methods.tiles import cut
from impasto.networks.vgg import Vgg, halo_px
from tests.conftest import tensor


def slope(width: int = 128, height: int = 96) -> Tensor:
    """(h, w) from 0 at the left to 1 at the right."""
    return torch.linspace(0, 1, width).expand(height, width).clone()


def half(width: int = 128, height: int = 96) -> Tensor:
    return (slope(width, height) > 0.5).float()


def no_style(_longest_px: int) -> dict[str, object]:
    return {}


def test_masks_and_what_is_kept_cover_the_picture_once() -> None:
    above = [Region(lambda _px: {}, mask=slope()), Region(lambda _px: {}, mask=half())]
    scene = scene_of(tensor("photo"), lambda mask: Region(lambda _px: {}, mask=mask), above, slope().flip(1))
    assert scene.kept is not None
    masks = [region.mask for region in scene.regions if region.mask is not None]
    assert len(masks) == 3
    torch.testing.assert_close(torch.stack([*masks, scene.kept]).sum(0), torch.ones((96, 128)))
    torch.testing.assert_close(scene.kept, slope().flip(1))
    torch.testing.assert_close(masks[2], half() * (1 - scene.kept))


def test_a_scene_without_regions_is_all_of_one_style() -> None:
    scene = scene_of(tensor("photo"), lambda mask: Region(lambda _px: {}, mask=mask))
    assert [region.mask for region in scene.regions] == [None]


def test_one_style_in_two_regions_that_are_everything_is_one_region(vgg: Vgg) -> None:
    photo, x = tensor("photo"), tensor("stripes")
    style = style_of_painting(vgg, tensor("dots"))
    alone = loss_and_gradient(vgg, wanted(vgg, Scene(photo, [Region(style)])))
    everywhere = Region(style, mask=torch.ones((96, 128)))
    found = loss_and_gradient(vgg, wanted(vgg, Scene(photo, [everywhere])))
    for one, other in zip(found(x), alone(x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def two_styles(vgg: Vgg, photo: Tensor, kept: Tensor | None = None) -> Scene:
    left: StyleAt = style_of_painting(vgg, tensor("dots"))
    right: StyleAt = style_of_painting(vgg, tensor("stripes"))
    height, width = photo.shape[2:]
    region = Region(right, Wishes(strength=0.7), half(width, height))
    return scene_of(photo, lambda mask: Region(left, Wishes(strength=0.4), mask), [region], kept)


def test_regions_in_tiles_equal_the_whole(vgg: Vgg) -> None:
    scene = two_styles(vgg, tensor("photo", 133, 118), kept=slope(133, 118))
    x = tensor("dots", 133, 118)
    tiles = cut((118, 133), 48, halo_px("vgg16", STYLE_LAYERS))
    loss, gradient = loss_and_gradient(vgg, wanted(vgg, scene))(x)
    tiled_loss, tiled_gradient = loss_and_gradient(vgg, wanted(vgg, scene, tiles, keep_content=False))(x)
    torch.testing.assert_close(tiled_loss, loss, rtol=1e-4, atol=0)
    assert (tiled_gradient - gradient).norm() < 1e-4 * gradient.norm()


def test_each_region_takes_on_its_own_style(vgg: Vgg) -> None:
    photo = tensor("photo")
    *_, last = climb(vgg, two_styles(vgg, photo), plan((128, 96), 128, 1, 25))
    features = vgg(last.picture, {"1_1", "2_1"})

    def distance(columns: slice, painting: str) -> float:
        there = vgg(tensor(painting), {"1_1", "2_1"})
        grams = [
            (statistics(features[k][..., columns]).gram, statistics(there[k]).gram) for k in ("1_1", "2_1")
        ]
        return sum(float((a - b).norm() / b.norm()) for a, b in grams)

    left, right = slice(0, 56), slice(-56, None)
    assert distance(left, "dots") < distance(left, "stripes")
    assert distance(right, "stripes") < distance(right, "dots")


def test_what_is_kept_stays_as_photographed_to_the_last_bit(vgg: Vgg) -> None:
    photo, kept = tensor("photo"), half()
    *_, last = climb(vgg, two_styles(vgg, photo, kept), plan((128, 96), 128, 2, 12))
    away = (last.picture - photo).abs().amax((0, 1))
    assert away[kept == 1].max() == 0
    assert away[kept == 0].mean() > 0.05
