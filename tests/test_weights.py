import hashlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import ExtraError
from impasto.networks.fetch import data_folder, fetch_model
from impasto.networks.vgg import Vgg, VggWeights
from impasto.networks.weights import load_squeezenet, load_vgg, read_vgg, vgg_weights
from tests.weight_files import (
    CAFFE_MEAN,
    Write,
    random_tensors,
    refuses,
    write_newer_h5,
    write_ours,
    write_pth,
    write_published_h5,
)

TRUE_VGG19 = Path(__file__).parents[2] / "shared/data/models/vgg19_normalised_wct/vgg_normalised_conv3_1.pth"


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Emptied after each test, since files of weights are large."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def random_vgg19() -> dict[str, Tensor]:
    return random_tensors("vgg19")


@pytest.fixture(scope="module")
def bundled() -> VggWeights:
    return vgg_weights("vgg16")


@pytest.fixture(scope="module")
def photo() -> Tensor:
    image = Image.open(data_folder() / "sample.jpg").convert("RGB").resize((192, 128))
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]


def test_the_bundled_vgg16_is_half_precision_on_disk_and_full_in_memory(bundled: VggWeights) -> None:
    path = fetch_model("vgg16")
    with safe_open(path, "pt") as file:
        kinds = {key: file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 - no mapping
    assert {kind for key, kind in kinds.items() if key.endswith("weight")} == {"F16"}
    assert all(parameter.dtype == torch.float32 for parameter in load_vgg().parameters())
    assert bundled.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert bundled.mean == pytest.approx(CAFFE_MEAN)


def test_the_judge_is_bundled() -> None:
    assert sum(parameter.numel() for parameter in load_squeezenet().parameters()) == 1235496


def test_a_network_without_scales_averages_the_same_as_the_bundled_one(
    tmp_path: Path, random_vgg19: dict[str, Tensor], photo: Tensor
) -> None:
    usual, vgg = load_vgg(), load_vgg("vgg19", write_ours(tmp_path / "w", random_vgg19))
    wanted, found = usual(photo, usual.names), vgg(photo, vgg.names)
    for name in usual.names:
        assert found[name].mean().item() == pytest.approx(wanted[name].mean().item(), rel=0.25)
    for name in ("3_4", "4_4"):
        assert 0.5 < found[name].mean() < 2


def test_vgg16_from_elsewhere_gets_the_scales_of_the_bundled_one(tmp_path: Path, bundled: VggWeights) -> None:
    weights = read_vgg(write_newer_h5(tmp_path / "w", bundled.tensors), "vgg16")
    assert weights.scales == pytest.approx(bundled.scales, rel=1e-3)
    assert torch.equal(weights.tensors["conv1_1.weight"], bundled.tensors["conv1_1.weight"].float())


def test_caffe_numbers_in_torchvision_names_are_known_by_their_first_layer(
    tmp_path: Path, bundled: VggWeights
) -> None:
    blue_first = {"conv1_1.weight": bundled.tensors["conv1_1.weight"].flip(1)}
    weights = read_vgg(write_pth(tmp_path / "w", bundled.tensors | blue_first), "vgg16")
    assert weights.mean == pytest.approx(CAFFE_MEAN)
    assert torch.equal(weights.tensors["conv1_1.weight"], bundled.tensors["conv1_1.weight"])


def test_a_dead_network_has_positive_scales(tmp_path: Path) -> None:
    dead = {"conv3_2.weight": torch.zeros(256, 256, 3, 3), "conv3_2.bias": torch.full((256,), -1.0)}
    weights = read_vgg(write_pth(tmp_path / "w", random_tensors("vgg16") | dead), "vgg16")
    assert min(weights.scales) > 0
    assert Vgg(weights)(torch.rand(1, 3, 16, 16), ["5_1"])["5_1"].isfinite().all()


@pytest.mark.skipif(not TRUE_VGG19.exists(), reason="needs the first layers of the true VGG-19")
def test_the_true_vgg19_is_read_as_it_was_meant(
    tmp_path: Path, random_vgg19: dict[str, Tensor], bundled: VggWeights, photo: Tensor
) -> None:
    true = torch.load(TRUE_VGG19, weights_only=True)
    places = {"1_1": 2, "1_2": 5, "2_1": 9, "2_2": 12, "3_1": 16}
    first = {
        f"conv{name}.{part}": true[f"{n}.{part}"] for name, n in places.items() for part in ("weight", "bias")
    }
    first["conv1_1.weight"] = first["conv1_1.weight"].flip(1)
    weights = read_vgg(write_published_h5(tmp_path / "w", random_vgg19 | first), "vgg19")
    found = Vgg(replace(weights, scales=(1.0,) * 13))(photo, ["3_1"])["3_1"]

    x = F.conv2d(photo, true["0.weight"], true["0.bias"])
    for name, n in places.items():
        x = F.max_pool2d(x, 2) if name in {"2_1", "3_1"} else x
        x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), true[f"{n}.weight"], true[f"{n}.bias"]))
    inside = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(found[inside], x[inside], rtol=1e-3, atol=1e-3)
    assert 0.5 < x.mean() < 2

    # Both networks of the paper grew from one first layer, then went apart.
    ours, theirs = (one["conv1_1.weight"].float().flatten(1) for one in (bundled.tensors, weights.tensors))
    kinship = F.cosine_similarity(ours, theirs).mean()
    assert 0.9 < kinship < 0.999


@pytest.mark.parametrize("write", [write_newer_h5, write_pth, write_ours])
def test_the_other_vgg_is_named(
    tmp_path: Path, random_vgg19: dict[str, Tensor], bundled: VggWeights, write: Write
) -> None:
    refuses(write(tmp_path / "w", random_vgg19), "vgg16", "holds VGG-19, not VGG-16: add --backbone vgg19")
    refuses(write(tmp_path / "w", bundled.tensors), "vgg19", "holds VGG-16, not VGG-19: add --backbone vgg16")


def test_other_networks_are_refused(tmp_path: Path, bundled: VggWeights) -> None:
    tensors, path = bundled.tensors, tmp_path / "w"
    for other in (
        {"conv1.weight": torch.zeros(64, 3, 7, 7)},
        {"state_dict": 3},
        [torch.zeros(3)],
        torch.zeros(3),
    ):
        torch.save(other, path)
        refuses(path, "vgg16", "neither VGG-16 nor VGG-19.*: give one of them")
    refuses(fetch_model("squeezenet"), "vgg16", "neither VGG-16 nor VGG-19")
    some = {name: tensor for name, tensor in tensors.items() if not name.startswith("conv5")}
    refuses(write_newer_h5(path, some), "vgg16", "lacks layers.*: give a whole network")
    slim = {"conv4_1.weight": torch.zeros(256, 256, 3, 3)}
    refuses(write_ours(path, tensors | slim), "vgg16", r"conv4_1.weight is \(256, 256, 3, 3\), not \(512,")
    refuses(
        write_pth(path, tensors | {"conv1_1.weight": torch.zeros(64, 4, 3, 3)}), "vgg16", "conv1_1.weight is"
    )
    sick = {"conv2_1.bias": torch.full((128,), torch.nan)}
    refuses(write_newer_h5(path, tensors | sick), "vgg16", "damaged, conv2_1.bias holds no numbers")
    refuses(write_ours(path, tensors | {"scales": torch.zeros(11)}), "vgg16", "not 11 positive numbers")
    save_file(tensors, path)
    refuses(path, "vgg16", "does not say what it was trained to see")


def test_a_missing_h5py_is_named_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraError, match=r"pip install 'impasto\[vgg19\]'"):
        load_vgg("vgg19")
    assert not (tmp_path / "cache").exists()
