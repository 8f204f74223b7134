from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image
from torch import Tensor

from impasto.networks.fetch import data_folder
from impasto.networks.vgg import (
    CHANNELS,
    CONVOLUTIONS,
    Architecture,
    Vgg,
    VggWeights,
    layer_names,
    repeat_border,
    set_compute_type,
)
from impasto.networks.weights import vgg_weights

ARCHITECTURES: tuple[Architecture, ...] = ("vgg16", "vgg19")


@pytest.fixture(scope="module")
def weights() -> VggWeights:
    return vgg_weights("vgg16")


@pytest.fixture(scope="module")
def vgg(weights: VggWeights) -> Vgg:
    return Vgg(weights)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    image = (
        Image.open(data_folder() / "sample.jpg").convert("RGB").resize((192, 128), Image.Resampling.LANCZOS)
    )
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]


def rings(height: int, width: int) -> Tensor:
    """(1, 3, h, w) in [0, 1]: coloured rings, as far from a photo as drawn pictures are."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    radius = (x.square() + y.square()).sqrt()
    return torch.stack([0.5 + 0.5 * torch.sin(speed * radius) for speed in (20, 31, 47)])[None]


def plain_features(weights: VggWeights, picture: Tensor) -> dict[str, Tensor]:
    """The network as its paper draws it, but for the repeated borders."""
    mean, std = (torch.tensor(colour).view(3, 1, 1) for colour in (weights.mean, weights.std))
    x = (picture - mean) / std
    features = {}
    for name in layer_names(weights.architecture):
        if name in {"2_1", "3_1", "4_1", "5_1"}:
            x = F.max_pool2d(x, 2)
        kernel, bias = (weights.tensors[f"conv{name}.{part}"].float() for part in ("weight", "bias"))
        x = features[name] = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, bias))
    return features


def styles(vgg: Vgg, picture: Tensor) -> list[Tensor]:
    """How the channels of two deep layers vary together, (c, c) each."""
    flats = [feature[0].flatten(1) for feature in vgg(picture, ["4_2", "5_1"]).values()]
    return [flat @ flat.T / flat.shape[1] for flat in flats]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_named_by_block_and_place(architecture: Architecture) -> None:
    names = layer_names(architecture)
    assert len(names) == len(set(names)) == sum(CONVOLUTIONS[architecture])
    assert list(names) == sorted(names)
    assert (names[0], names[-1]) == ("1_1", "5_1")
    assert ("3_4" in names) == ("4_4" in names) == (architecture == "vgg19")


@pytest.mark.parametrize(("height", "width"), [(64, 48), (37, 50), (16, 16)])
def test_features_halve_with_each_block(vgg: Vgg, height: int, width: int) -> None:
    features = vgg(torch.rand(2, 3, height, width), vgg.names)
    assert tuple(features) == vgg.names
    for name, feature in features.items():
        halvings = int(name[0]) - 1
        assert feature.shape == (2, CHANNELS[halvings], height >> halvings, width >> halvings)
        assert feature.min() >= 0


def test_a_photo_is_nearer_to_its_crop_than_to_a_drawing(vgg: Vgg, photo: Tensor) -> None:
    of_photo, of_crop = styles(vgg, photo), styles(vgg, photo[:, :, 16:112, 32:160])
    for whole, part, other in zip(of_photo, of_crop, styles(vgg, rings(96, 128)), strict=True):
        assert (whole - part).norm() < 0.5 * (whole - other).norm()


def test_a_feature_is_about_1_on_average(vgg: Vgg, photo: Tensor) -> None:
    for name, feature in vgg(photo, vgg.names).items():
        assert 2 / 3 < feature.mean() < 3 / 2, name


def test_scales_commute_with_the_network(weights: VggWeights, vgg: Vgg, photo: Tensor) -> None:
    plain = plain_features(weights, photo)
    for name, feature in vgg(photo, vgg.names).items():
        torch.testing.assert_close(feature, plain[name] / vgg.scales[name], rtol=1e-3, atol=1e-4)


def test_other_scales_give_other_features_of_the_same_network(weights: VggWeights, photo: Tensor) -> None:
    doubled = Vgg(replace(weights, scales=tuple(2 * scale for scale in weights.scales)))
    once, twice = (network(photo, ["3_1"])["3_1"] for network in (Vgg(weights), doubled))
    torch.testing.assert_close(twice * 2, once, rtol=1e-4, atol=1e-5)


def test_forward_stops_at_the_deepest_layer(weights: VggWeights) -> None:
    vgg, ran = Vgg(weights), list[str]()
    for name, convolution in vgg.convolutions.items():
        convolution.register_forward_hook(lambda *_, name=name: ran.append(name))
    features = vgg(torch.rand(1, 3, 32, 32), ["2_2", "1_1"])
    assert set(features) == {"1_1", "2_2"}
    assert ran == ["1_1", "1_2", "2_1", "2_2"]


def test_unknown_layers_are_refused(vgg: Vgg) -> None:
    with pytest.raises(ValueError, match="6_1"):
        vgg(torch.rand(1, 3, 32, 32), ["1_1", "6_1"])


def test_a_plain_picture_has_no_frame(vgg: Vgg) -> None:
    for feature in vgg(torch.full((1, 3, 48, 48), 0.9), vgg.names).values():
        inside = feature[:, :, 1:2, 1:2].expand_as(feature)
        torch.testing.assert_close(feature, inside, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 6)])
def test_a_repeated_border_gives_its_gradient_to_the_outermost_features(size: tuple[int, int]) -> None:
    drawn = torch.Generator().manual_seed(0)
    features = torch.rand((1, 4, *size), generator=drawn)
    pull = torch.rand((1, 4, size[0] + 2, size[1] + 2), generator=drawn)
    gradients: list[Tensor] = []
    for border in (repeat_border, partial(F.pad, pad=(1, 1, 1, 1), mode="replicate")):
        x = features.clone().requires_grad_()
        gradients += torch.autograd.grad(border(x), x, pull.clone())
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("size", [(64, 48), (37, 51), (40, 33)])
def test_features_are_the_same_whatever_is_asked_beside_them(vgg: Vgg, size: tuple[int, int]) -> None:
    """Layers that nobody asks for are pooled before their ReLU, and without the row that is lost in it."""
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found: list[list[Tensor]] = []
    gradients: list[Tensor] = []
    for asked in (["3_1", "5_1"], vgg.names):
        features = vgg(picture, asked)
        found.append([features["3_1"], features["5_1"]])
        gradients += torch.autograd.grad([one.square().sum() for one in found[-1]], picture)
    for alone, beside in zip(*found, strict=True):
        torch.testing.assert_close(alone, beside, rtol=1e-4, atol=1e-4)
    assert (gradients[0] - gradients[1]).norm() < 1e-3 * gradients[1].norm()


def test_gradients_reach_the_picture_but_not_the_weights(vgg: Vgg) -> None:
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    vgg(picture, ["5_1"])["5_1"].sum().backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in vgg.parameters())


def test_bfloat16_features_are_near_float32_ones(weights: VggWeights, vgg: Vgg, photo: Tensor) -> None:
    rough = set_compute_type(Vgg(weights), torch.bfloat16)
    assert rough.mean.dtype == rough.std.dtype == torch.float32
    for name, feature in vgg(photo, ["1_1", "4_2", "5_1"]).items():
        found = rough(photo, [name])[name]
        assert found.dtype == torch.bfloat16
        assert (found.float() - feature).norm() < 0.05 * feature.norm()
