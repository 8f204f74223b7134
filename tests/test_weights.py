import functools
import hashlib
import http.server
import json
import pickle
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import ExtraError, WeightsError
from impasto.networks.fetch import MODELS, cache_folder, data_folder, fetch_model, model_path, verify_model
from impasto.networks.vgg import CHANNELS, Architecture, Vgg, VggWeights, layer_names
from impasto.networks.weights import load_squeezenet, load_vgg, read_vgg, vgg_weights

CAFFE_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
TRUE_VGG19 = Path(__file__).parents[2] / "shared/data/models/vgg19_normalised_wct/vgg_normalised_conv3_1.pth"
TORCHVISION_INDICES: dict[Architecture, tuple[int, ...]] = {
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28),
}

Write = Callable[[Path, Mapping[str, Tensor]], Path]


@functools.cache
def random_tensors(architecture: Architecture) -> dict[str, Tensor]:
    """A network of random numbers in our names, red first."""
    generator = torch.Generator().manual_seed(19)
    tensors, channels_in = {}, 3
    for name in layer_names(architecture):
        channels = CHANNELS[int(name[0]) - 1]
        kernel = torch.randn(channels, channels_in, 3, 3, generator=generator)
        tensors[f"conv{name}.weight"] = kernel.mul_((2 / 9 / channels_in) ** 0.5)
        tensors[f"conv{name}.bias"] = torch.randn(channels, generator=generator) / 10
        channels_in = channels
    return tensors


def keras_kernel(name: str, tensors: Mapping[str, Tensor]) -> Any:
    """(out, in, height, width), red first -> (height, width, in, out), blue first."""
    kernel = tensors[f"conv{name}.weight"].float()
    return (kernel.flip(1) if name == "1_1" else kernel).permute(2, 3, 1, 0).numpy()


def write_published_h5(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    """As Keras published VGG-19: the whole network, pools as empty groups, the names as attributes."""
    layers = ["input_1"]
    for block, count in enumerate((2, 2, 4, 4, 4), start=1):
        layers += [*(f"block{block}_conv{index}" for index in range(1, count + 1)), f"block{block}_pool"]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer)
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"] if "conv" in layer else []
            group.attrs["weight_names"] = [name.encode() for name in names]
            name = f"{layer[5]}_{layer[-1]}"
            if f"conv{name}.weight" in tensors:
                group[names[0]] = keras_kernel(name, tensors)
                group[names[1]] = tensors[f"conv{name}.bias"].numpy()
            elif names:
                group.create_dataset(names[0], (3, 3, 512, 512), np.float32)
                group.create_dataset(names[1], (512,), np.float32)
    return path


def write_newer_h5(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    names = [key[4:7] for key in tensors if key.endswith("weight")]
    with h5py.File(path, "w") as file:
        for name in names:
            layer = f"block{name[0]}_conv{name[2]}"
            file[f"{layer}/{layer}/kernel:0"] = keras_kernel(name, tensors)
            file[f"{layer}/{layer}/bias:0"] = tensors[f"conv{name}.bias"].numpy()
        file.create_group("top_level_model_weights")
    return path


def write_saved_model_h5(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    write_newer_h5(path, tensors)
    with h5py.File(path, "a") as file:
        file.create_group("model_weights")
        for layer in [name for name in file if name.startswith("block")]:
            file.move(layer, f"model_weights/{layer}")
    return path


def torchvision_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    architecture: Architecture = "vgg19" if "conv3_4.weight" in tensors else "vgg16"
    indices = TORCHVISION_INDICES[architecture]
    return {
        f"features.{index}.{part}": tensors[f"conv{name}.{part}"].clone()
        for name, index in zip(layer_names(architecture), indices, strict=True)
        for part in ("weight", "bias")
    } | {"classifier.6.bias": torch.zeros(1000)}


def write_pth(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    torch.save(torchvision_names(tensors), path)
    return path


def write_old_pth(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    torch.save(torchvision_names(tensors), path, _use_new_zipfile_serialization=False)
    return path


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    torch.save({"epoch": 7, "state_dict": torchvision_names(tensors)}, path)
    return path


def write_torchvision_safetensors(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    save_file(torchvision_names(tensors), path)
    return path


def write_ours(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    metadata = {"mean": json.dumps([0.5, 0.4, 0.3]), "std": json.dumps([0.1, 0.2, 0.3])}
    save_file(dict(tensors), path, metadata)
    return path


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


# --- the bundled networks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vgg16", "squeezenet"])
def test_bundled_files_are_the_ones_we_know(name: str) -> None:
    path = model_path(name)
    assert path is not None
    assert path == fetch_model(name)
    assert abs(path.stat().st_size / 1e6 - MODELS[name].size_mb) < 0.1
    assert verify_model(name).startswith(f"{name} is as published")
    assert f"## {path.name}" in (path.parent / "LICENSES.md").read_text()


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


def test_every_model_says_what_it_is_and_whose() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert model.description.endswith(".")
        assert all((model.licence, model.source, model.checksum.partition(":")[2]))
        assert model.bundled == (model.url is None)
    assert [name for name, model in MODELS.items() if not model.bundled] == ["vgg19"]


# --- files of other people --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "write"),
    [("vgg19", write_published_h5), ("vgg16", write_newer_h5), ("vgg16", write_saved_model_h5)],
)
def test_keras_files_are_turned_to_red_first(
    tmp_path: Path, architecture: Architecture, write: Write
) -> None:
    tensors = random_tensors(architecture)
    path = write(tmp_path / "any name", tensors)
    weights = read_vgg(path, architecture)
    assert weights.tensors.keys() == tensors.keys()
    assert all(torch.equal(weights.tensors[name], tensor) for name, tensor in tensors.items())
    assert weights.mean == pytest.approx(CAFFE_MEAN)
    assert weights.std == pytest.approx((1 / 255,) * 3)
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("architecture", "write"),
    [
        ("vgg19", write_pth),
        ("vgg16", write_torchvision_safetensors),
        ("vgg16", write_old_pth),
        ("vgg16", write_checkpoint),
    ],
)
def test_torchvision_files_keep_their_manners(
    tmp_path: Path, architecture: Architecture, write: Write
) -> None:
    tensors = random_tensors(architecture)
    weights = read_vgg(write(tmp_path / "any name", tensors), architecture)
    assert all(torch.equal(weights.tensors[name], tensor) for name, tensor in tensors.items())
    assert weights.mean == (0.485, 0.456, 0.406)
    assert weights.std == (0.229, 0.224, 0.225)


def test_our_own_files_say_what_they_were_trained_to_see(
    tmp_path: Path, random_vgg19: dict[str, Tensor]
) -> None:
    scales = torch.linspace(1, 13, 13)
    weights = read_vgg(write_ours(tmp_path / "w", random_vgg19 | {"scales": scales}), "vgg19")
    assert weights.mean == (0.5, 0.4, 0.3)
    assert weights.std == (0.1, 0.2, 0.3)
    assert weights.scales == tuple(scales.tolist())


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


# --- files that are refused -------------------------------------------------------------------------------


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["zip", "old", "bare"])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, form: str) -> None:
    path, ran = tmp_path / "w.pth", tmp_path / "ran"
    contents = {"features.0.weight": Bomb(ran)}
    if form == "bare":
        path.write_bytes(pickle.dumps(contents))
    else:
        torch.save(contents, path, _use_new_zipfile_serialization=form == "zip")
    refuses(path, "vgg19", "pickle can run code.*: give a state_dict")
    assert not ran.exists()


def refuses(path: Path, architecture: Architecture, pattern: str) -> None:
    with pytest.raises(WeightsError, match=pattern) as caught:
        read_vgg(path, architecture)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    refuses(tmp_path / "none.h5", "vgg19", r"cannot be read \(No such file.*check --weights")
    refuses(tmp_path, "vgg19", r"cannot be read \(Is a directory")
    for contents in (b"", b"{", b"<!doctype html>", b"\xff\xd8\xff\xe0 a photo"):
        (tmp_path / "w.h5").write_bytes(contents)
        refuses(tmp_path / "w.h5", "vgg19", "no file of weights: give Keras")
    np.savez(tmp_path / "w.npz", a=np.zeros(3))
    refuses(tmp_path / "w.npz", "vgg19", "damaged or holds no weights")


@pytest.mark.parametrize("write", [write_newer_h5, write_pth, write_old_pth, write_ours])
def test_files_cut_short_are_refused(tmp_path: Path, bundled: VggWeights, write: Write) -> None:
    whole = write(tmp_path / "whole", bundled.tensors).read_bytes()
    for share in (0.001, 0.5, 0.999):
        path = tmp_path / "short"
        path.write_bytes(whole[: int(share * len(whole))])
        refuses(path, "vgg16", "damaged")


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


# --- fetching ---------------------------------------------------------------------------------------------


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if "cut" in self.path:
            outputfile.write(source.read(100))
        else:
            super().copyfile(source, outputfile)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    """A mirror of the folder `published`; the cache is a folder of the test's own."""
    (tmp_path / "published").mkdir()
    handler = functools.partial(Handler, directory=str(tmp_path / "published"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("IMPASTO_MIRROR", f"http://127.0.0.1:{running.server_port}/")
        monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running
        running.shutdown()
        thread.join()


def publish(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Registers the file as the published VGG-19."""
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setitem(MODELS, "vgg19", replace(MODELS["vgg19"], file_name=path.name, checksum=f"md5:{md5}"))


@pytest.fixture
def published(
    tmp_path: Path, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Path:
    path = tmp_path / "published/w.h5"
    path.write_bytes(bytes(range(256)) * 4000)
    publish(monkeypatch, path)
    return path


def cannot_fetch(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(WeightsError, match=pattern) as caught:
        fetch_model("vgg19")
    assert "\n" not in str(caught.value)
    cache = tmp_path / "cache"
    assert not cache.is_dir() or list(cache.iterdir()) == []
    assert model_path("vgg19") is None


def test_vgg19_is_fetched_on_first_use_and_then_kept(
    tmp_path: Path,
    server: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    random_vgg19: dict[str, Tensor],
) -> None:
    path = write_published_h5(tmp_path / "published" / MODELS["vgg19"].file_name, random_vgg19)
    publish(monkeypatch, path)
    assert model_path("vgg19") is None
    vgg = load_vgg("vgg19")
    assert model_path("vgg19") == tmp_path / "cache" / path.name
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [path.name]
    assert vgg.names == layer_names("vgg19")
    assert set(vgg(torch.rand(1, 3, 32, 32), ["3_4", "5_1"])) == {"3_4", "5_1"}
    assert verify_model("vgg19").startswith("vgg19 is as published")

    path.unlink()
    assert (
        vgg_weights("vgg19").sha256
        == hashlib.sha256((tmp_path / "cache" / path.name).read_bytes()).hexdigest()
    )


def test_progress_is_told_and_ends_at_the_whole(published: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch_model("vgg19", lambda received, size: told.append((received, size)))
    assert path.read_bytes() == published.read_bytes()
    size = published.stat().st_size
    assert told == sorted(told)
    assert told[-1] == (size, size)
    assert len(told) > 2


@pytest.mark.parametrize("form", ["folder", "address"])
def test_a_mirror_may_be_a_folder(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    folder = published.parent.rename(tmp_path / "a näme with späces")
    monkeypatch.setenv("IMPASTO_MIRROR", str(folder) if form == "folder" else folder.as_uri())
    told: list[tuple[int, int]] = []
    fetched = fetch_model("vgg19", lambda received, size: told.append((received, size)))
    assert fetched.read_bytes() == (folder / published.name).read_bytes()
    assert told == [(1024000, 1024000)]


def test_a_mirror_without_the_file_is_named(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.unlink()
    cannot_fetch(tmp_path, "the server answers 404; give the file with --weights FILE, set IMPASTO_MIRROR")
    monkeypatch.setenv("IMPASTO_MIRROR", str(published.parent))
    cannot_fetch(tmp_path, "w.h5 does not exist: put the file there")
    monkeypatch.setenv("IMPASTO_MIRROR", "gopher://example.org")
    cannot_fetch(tmp_path, "IMPASTO_MIRROR is gopher.*: set it to a folder")


def test_offline_the_remedies_are_named(
    tmp_path: Path, published: Path, server: http.server.ThreadingHTTPServer
) -> None:
    server.shutdown()
    server.server_close()
    cannot_fetch(tmp_path, "no connection.*--weights FILE.*or use --backbone vgg16, which is bundled")


def test_other_contents_are_not_kept(tmp_path: Path, published: Path) -> None:
    published.write_bytes(b"another file")
    cannot_fetch(tmp_path, "wrong checksum and was deleted; try again")


def test_a_download_cut_off_leaves_nothing(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, published.rename(published.with_name("cut.h5")))
    cannot_fetch(tmp_path, "no connection, or a broken one; try again")


def test_a_stopped_download_leaves_nothing(tmp_path: Path, published: Path) -> None:
    def stop(received: int, size: int) -> None:
        if received > 300000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_model("vgg19", stop)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_named(tmp_path: Path, published: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500000, hard))
    try:
        cannot_fetch(tmp_path, r"cannot be written \(File too large\); make room or set IMPASTO_CACHE")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_cache_that_is_no_folder_is_named(tmp_path: Path, published: Path) -> None:
    (tmp_path / "cache").write_text("")
    cannot_fetch(tmp_path, r"cannot be written \(.*; make room or set IMPASTO_CACHE elsewhere")


def test_a_damaged_file_in_the_cache_is_found_and_fetched_again(published: Path) -> None:
    path = fetch_model("vgg19")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        WeightsError, match=r"damaged, its MD5 is .*: fetch it with: impasto models fetch vgg19"
    ):
        verify_model("vgg19")
    fetch_model("vgg19")
    assert "as published" in verify_model("vgg19")


def test_what_is_not_here_cannot_be_verified(published: Path) -> None:
    with pytest.raises(WeightsError, match=r"vgg19 is not at .*: fetch it with: impasto models fetch vgg19"):
        verify_model("vgg19")


@pytest.mark.parametrize("ask", [model_path, fetch_model, verify_model])
def test_unknown_networks_are_refused(ask: Callable[[str], object]) -> None:
    with pytest.raises(WeightsError, match="no network 'vgg11': choose one of vgg16, squeezenet, vgg19"):
        ask("vgg11")


def test_asking_for_the_cache_does_not_create_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    assert model_path("vgg19") is None
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv("IMPASTO_CACHE", "~/cache")
    assert cache_folder() == Path.home() / "cache"
    monkeypatch.delenv("IMPASTO_CACHE")
    assert "impasto" in str(cache_folder())
