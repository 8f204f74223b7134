"""Files of weights that the tests write, in every form that networks come in."""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import WeightsError
from impasto.networks.vgg import CHANNELS, Architecture, layer_names
from impasto.networks.weights import read_vgg

CAFFE_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
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


def refuses(path: Path, architecture: Architecture, pattern: str) -> None:
    with pytest.raises(WeightsError, match=pattern) as caught:
        read_vgg(path, architecture)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
