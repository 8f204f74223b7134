"""Bytes -> networks: the bundled ones, the fetched one, or a file of the user's.

Read are Keras' `.h5` without top, torchvision's `.pth` and `.safetensors`; the content decides, never the
name of the file. Pickles are read with `weights_only=True`: they cannot run code.
"""

import hashlib
import json
import math
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from impasto.errors import ExtraError, WeightsError
from impasto.networks.fetch import data_folder, fetch_model, model_path
from impasto.networks.squeezenet import SqueezeNet
from impasto.networks.vgg import CHANNELS, CONVOLUTIONS, Architecture, Vgg, VggWeights, layer_names

_Colour = tuple[float, float, float]


class _Manners(NamedTuple):
    """What a network was trained to see: (picture - mean) / std, red first or blue first."""

    mean: _Colour
    std: _Colour
    blue_first: bool = False


class _Contents(NamedTuple):
    """A file in our names: `conv1_1.weight` ..., and what it says of itself."""

    tensors: dict[str, Tensor]
    manners: _Manners | None = None
    scales: Tensor | None = None


_CAFFE: Final = _Manners((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3, blue_first=True)
_TORCHVISION: Final = _Manners((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_TITLES: Final[dict[Architecture, str]] = {"vgg19": "VGG-19", "vgg16": "VGG-16"}
_SAMPLE_PX: Final = 256


def load_vgg(architecture: Architecture = "vgg16", weights: Path | None = None) -> Vgg:
    """The network in float32 on the CPU, each layer divided by its mean activation; see `vgg_weights`."""
    return Vgg(vgg_weights(architecture, weights))


def vgg_weights(architecture: Architecture = "vgg16", weights: Path | None = None) -> VggWeights:
    """The numbers of the bundled VGG-16, of VGG-19, fetched on first use, or of the file `weights`.

    Errors: WeightsError, for a file that cannot be fetched or read; ExtraError, where h5py is missing.
    """
    if weights is not None:
        return read_vgg(weights, architecture)
    if architecture == "vgg19":
        _h5py()
    return read_vgg(model_path(architecture) or fetch_model(architecture), architecture)


def load_squeezenet() -> SqueezeNet:
    """The bundled judge, float32 on the CPU. WeightsError if the file is damaged."""
    path = fetch_model("squeezenet")
    try:
        return SqueezeNet(load_file(path))
    except Exception as error:
        raise WeightsError(f"{path} is damaged: reinstall impasto") from error


def read_vgg(path: Path, architecture: Architecture) -> VggWeights:
    """A file of weights -> tensors in our names, red first, with manners, scales and SHA-256.

    Layer scales that the file doesn't hold are measured, in under a second.
    Errors: WeightsError, for a file that is no such network, damaged, or a pickle with code; ExtraError.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}): check --weights") from error
    contents = _read(path, head)
    tensors = _checked(contents.tensors, architecture, path)
    manners = contents.manners or _manners_of(tensors["conv1_1.weight"])
    if manners.blue_first:
        tensors["conv1_1.weight"] = tensors["conv1_1.weight"].flip(1)
    unscaled = (1.0,) * len(layer_names(architecture))
    network = VggWeights(architecture, tensors, manners.mean, manners.std, unscaled, sha256)
    if contents.scales is None:
        return replace(network, scales=_measured_scales(network, path))
    return replace(network, scales=_checked_scales(contents.scales, len(unscaled), path))


def _read(path: Path, head: bytes) -> _Contents:
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _read_keras(path)
    # Before pickles: a safetensors header comes after its length, whose first byte may be any.
    if len(head) == 9 and head.endswith(b"{"):
        return _read_safetensors(path)
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return _read_torch(path)
    raise WeightsError(
        f"{path} is no file of weights: give Keras' .h5 without top, torchvision's .pth or a .safetensors"
    )


def _read_keras(path: Path) -> _Contents:
    h5py = _h5py()
    tensors: dict[str, Tensor] = {}
    try:
        with h5py.File(path, "r") as file:
            layers = file.get("model_weights", file)
            for name in layer_names("vgg19"):
                group = layers.get(f"block{name[0]}_conv{name[2]}")
                if group is not None:
                    tensors |= _keras_layer(f"conv{name}", group)
    except Exception as error:
        raise _damaged(path) from error
    return _Contents(tensors, _CAFFE)


def _keras_layer(name: str, group: Any) -> dict[str, Tensor]:
    # Keras has named these `block1_conv1_W_1:0`, `kernel:0` and `kernel`, at two depths; a layer has one
    # kernel (height, width, in, out) and one bias (out,), whatever they are called.
    tensors: dict[str, Tensor] = {}

    def place(_: str, item: Any) -> None:
        shape = getattr(item, "shape", ())
        if len(shape) == 4:
            tensors[f"{name}.weight"] = torch.from_numpy(item[()]).permute(3, 2, 0, 1).contiguous()
        elif len(shape) == 1:
            tensors[f"{name}.bias"] = torch.from_numpy(item[()])

    group.visititems(place)
    return tensors


def _read_torch(path: Path) -> _Contents:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols newer than torch's own
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than tensors, or is damaged, and is not loaded, since a pickle can run code:"
            " give a state_dict, or convert it to .safetensors"
        ) from error
    except Exception as error:
        raise _damaged(path) from error
    return _Contents(_from_torchvision(found, path))


def _read_safetensors(path: Path) -> _Contents:
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            metadata = file.metadata() or {}
    except Exception as error:
        raise _damaged(path) from error
    if "conv1_1.weight" not in tensors:
        return _Contents(_from_torchvision(tensors, path))
    try:
        mean, std = (_colour(metadata[key]) for key in ("mean", "std"))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not say what it was trained to see: give its metadata `mean` and `std`,"
            " three numbers each for pictures in [0, 1]"
        ) from error
    return _Contents(tensors, _Manners(mean, std), tensors.pop("scales", None))


def _from_torchvision(found: object, path: Path) -> dict[str, Tensor]:
    tensors = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if isinstance(tensors, Mapping):
        for architecture in CONVOLUTIONS:
            places = _torchvision_places(architecture)
            if all(isinstance(tensors.get(key), Tensor) for key in places.values()):
                return {name: tensors[key] for name, key in places.items()}
    raise WeightsError(
        f"{path} is neither VGG-16 nor VGG-19 (torchvision names their layers features.0.weight ...):"
        " give one of them, without batch normalisation"
    )


def _torchvision_places(architecture: Architecture) -> dict[str, str]:
    """`conv1_1.weight` -> `features.0.weight`: torchvision counts convolutions, ReLUs and pools alike."""
    places, index = {}, 0
    for name in layer_names(architecture):
        index += name.endswith("_1") and name != "1_1"
        for part in ("weight", "bias"):
            places[f"conv{name}.{part}"] = f"features.{index}.{part}"
        index += 2
    return places


def _checked(found: Mapping[str, Tensor], architecture: Architecture, path: Path) -> dict[str, Tensor]:
    """The tensors of `architecture`, no others; WeightsError if the file holds another network."""
    # VGG-19 first: it has every layer that VGG-16 has, and two more.
    held = next((one for one in _TITLES if _shapes(one).keys() <= found.keys()), None)
    if held is None:
        raise WeightsError(f"{path} lacks layers of VGG-16 and VGG-19: give a whole network up to conv5_1")
    title = _TITLES[architecture]
    if held != architecture:
        raise WeightsError(
            f"{path} holds {_TITLES[held]}, not {title}: add --backbone {held} or give another file"
        )
    shapes = _shapes(architecture)
    for name, shape in shapes.items():
        tensor, has = found[name], tuple(found[name].shape)
        if has != shape:
            raise WeightsError(f"{path} is not {title}, {name} is {has}, not {shape}: give another file")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise WeightsError(
                f"{path} is damaged, {name} holds no numbers: copy it again from where it came"
            )
    return {name: found[name] for name in shapes}


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    channels_in = 3
    for name in layer_names(architecture):
        channels = CHANNELS[int(name[0]) - 1]
        shapes |= {f"conv{name}.weight": (channels, channels_in, 3, 3), f"conv{name}.bias": (channels,)}
        channels_in = channels
    return shapes


def _manners_of(conv1_1: Tensor) -> _Manners:
    """torchvision's manners, or those of Caffe for a network of Simonyan & Zisserman in torchvision's names.

    neural-style's files are such. VGG-16 and VGG-19 were trained from the same first layer, and their
    kernels still point the same way (mean cosine .99); torchvision's were trained afresh (about 0).
    """
    known = _bundled_vgg16().tensors["conv1_1.weight"].float().flatten(1)
    kinship = F.cosine_similarity(conv1_1.float().flip(1).flatten(1), known).mean()
    return _CAFFE if kinship > 0.8 else _TORCHVISION


def _measured_scales(network: VggWeights, path: Path) -> tuple[float, ...]:
    """Mean activations over natural photos, as those over one photo let us guess them."""
    unusual, scales, ratio = _unusual_activations(), [], 1.0
    for name, activation in _activations(network).items():
        # 3_4 and 4_4, which VGG-16 lacks, take the ratio of the layer before them.
        ratio = unusual.get(name, ratio)
        # Rounded, since the last digits depend on how many threads added them up.
        scales.append(float(f"{max(activation, 1e-6) / ratio:.4g}"))
    return _checked_scales(torch.tensor(scales), len(scales), path)


@cache
def _unusual_activations() -> dict[str, float]:
    """How much stronger the bundled VGG-16 answers to the one photo than to many, per layer."""
    known = _bundled_vgg16()
    on_photo = _activations(known)
    return {name: on_photo[name] / scale for name, scale in zip(on_photo, known.scales, strict=True)}


def _activations(network: VggWeights) -> dict[str, float]:
    names = layer_names(network.architecture)
    with torch.inference_mode():
        features = Vgg(replace(network, scales=(1.0,) * len(names)))(_sample(), names)
    return {name: features[name].mean().item() for name in names}


def _checked_scales(scales: Tensor, count: int, path: Path) -> tuple[float, ...]:
    if tuple(scales.shape) != (count,) or not scales.isfinite().all() or not (scales > 0).all():
        raise WeightsError(
            f"{path} has layer scales that are not {count} positive numbers: give another file"
        )
    return tuple(scales.float().tolist())


def _sample() -> Tensor:
    """(1, 3, h, w), sRGB in [0, 1]: the bundled photo."""
    with Image.open(data_folder() / "sample.jpg") as file:
        photo = file.convert("RGB")
    photo.thumbnail((_SAMPLE_PX, _SAMPLE_PX), Image.Resampling.LANCZOS)
    pixels = np.asarray(photo, np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def _bundled_vgg16() -> VggWeights:
    return read_vgg(fetch_model("vgg16"), "vgg16")


def _colour(text: str) -> _Colour:
    red, green, blue = (float(number) for number in json.loads(text))
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError(text)
    return red, green, blue


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ExtraError("VGG-19 and Keras' .h5 files need h5py: pip install 'impasto[vgg19]'") from error
    module: ModuleType = h5py
    return module


def _damaged(path: Path) -> WeightsError:
    return WeightsError(f"{path} is damaged or holds no weights: copy it again from where it came")
