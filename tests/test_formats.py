import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.networks.vgg import Architecture
from impasto.networks.weights import read_vgg
from tests.weight_files import (
    CAFFE_MEAN,
    Write,
    random_tensors,
    refuses,
    write_checkpoint,
    write_newer_h5,
    write_old_pth,
    write_ours,
    write_pth,
    write_published_h5,
    write_saved_model_h5,
    write_torchvision_safetensors,
)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Emptied after each test, since files of weights are large."""
    yield tmp_path
    shutil.rmtree(tmp_path)


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


def test_our_own_files_say_what_they_were_trained_to_see(tmp_path: Path) -> None:
    scales = torch.linspace(1, 13, 13)
    weights = read_vgg(write_ours(tmp_path / "w", random_tensors("vgg19") | {"scales": scales}), "vgg19")
    assert weights.mean == (0.5, 0.4, 0.3)
    assert weights.std == (0.1, 0.2, 0.3)
    assert weights.scales == tuple(scales.tolist())


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


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    refuses(tmp_path / "none.h5", "vgg19", r"cannot be read \(No such file.*check --weights")
    refuses(tmp_path, "vgg19", r"cannot be read \(Is a directory")
    for contents in (b"", b"{", b"<!doctype html>", b"\xff\xd8\xff\xe0 a photo"):
        (tmp_path / "w.h5").write_bytes(contents)
        refuses(tmp_path / "w.h5", "vgg19", "no file of weights: give Keras")
    np.savez(tmp_path / "w.npz", a=np.zeros(3))
    refuses(tmp_path / "w.npz", "vgg19", "damaged or holds no weights")


@pytest.mark.parametrize("write", [write_newer_h5, write_pth, write_old_pth, write_ours])
def test_files_cut_short_are_refused(tmp_path: Path, write: Write) -> None:
    whole = write(tmp_path / "whole", random_tensors("vgg16")).read_bytes()
    for share in (0.001, 0.5, 0.999):
        path = tmp_path / "short"
        path.write_bytes(whole[: int(share * len(whole))])
        refuses(path, "vgg16", "damaged")
