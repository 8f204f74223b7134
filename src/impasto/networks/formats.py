"""Files of weights -> tensors in our names, and what each says of itself.

Read are Keras' `.h5` without top, torchvision's `.pth` and `.safetensors`; the content decides, never the
name of the file. Pickles are read with `weights_only=True`: they cannot run code.
"""

import json
import math
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn

from impasto.errors import ExtraError, WeightsError
from impasto.networks.vgg import CONVOLUTIONS, Architecture, layer_names

_Colour = tuple[float, float, float]


class Manners(NamedTuple):
    """What a network was trained to see: (picture - mean) / std, red first or blue first."""

    mean: _Colour
    std: _Colour
    blue_first: bool = False


class Contents(NamedTuple):
    """A file in our names: `conv1_1.weight` ..., and what it says of itself."""

    tensors: dict[str, Tensor]
    manners: Manners | None = None
    scales: Tensor | None = None


CAFFE: Final = Manners((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3, blue_first=True)


def read_contents(path: Path, head: bytes) -> Contents:
    """What a file holds, judged by `head`, its first 9 bytes.

    Errors: WeightsError, for a file that is damaged, holds no VGG or is a pickle with code; ExtraError.
    """
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


def _read_keras(path: Path) -> Contents:
    h5py = import_h5py()
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
    return Contents(tensors, CAFFE)


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


def read_tensors(path: Path) -> dict[str, Tensor]:
    """What a `.pth` or `.safetensors` file holds, in its own names.

    Errors: WeightsError, for a file that cannot be read, is damaged or is a pickle with code.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}): check --weights") from error
    if len(head) == 9 and head.endswith(b"{"):
        return _load_safetensors(path)[0]
    found = _load_torch(path) if head.startswith((b"PK\x03\x04", b"\x80")) else None
    if isinstance(found, Mapping):
        return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
    raise WeightsError(f"{path} is no file of weights: give a .pth or a .safetensors")


def fitting(found: Mapping[str, Tensor], network: nn.Module, path: Path) -> dict[str, Tensor]:
    """The tensors that `network` has, in float32; WeightsError where one is missing or is no such tensor."""
    fitting = {}
    for name, wanted in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            fitting[name] = wanted
            continue
        tensor = found.get(name)
        if tensor is None or tensor.shape != wanted.shape:
            has = "missing" if tensor is None else f"{tuple(tensor.shape)}, not {tuple(wanted.shape)}"
            raise WeightsError(f"{path} is another network, {name} is {has}: give another file")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise WeightsError(
                f"{path} is damaged, {name} holds no numbers: copy it again from where it came"
            )
        fitting[name] = tensor.float()
    return fitting


def _read_torch(path: Path) -> Contents:
    return Contents(_from_torchvision(_load_torch(path), path))


def _load_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols newer than torch's own
            found: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than tensors, or is damaged, and is not loaded, since a pickle can run code:"
            " give a state_dict, or convert it to .safetensors"
        ) from error
    except Exception as error:
        raise _damaged(path) from error
    return found


def _load_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return tensors, file.metadata() or {}
    except Exception as error:
        raise _damaged(path) from error


def _read_safetensors(path: Path) -> Contents:
    tensors, metadata = _load_safetensors(path)
    if "conv1_1.weight" not in tensors:
        return Contents(_from_torchvision(tensors, path))
    try:
        mean, std = (_colour(metadata[key]) for key in ("mean", "std"))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not say what it was trained to see: give its metadata `mean` and `std`,"
            " three numbers each for pictures in [0, 1]"
        ) from error
    return Contents(tensors, Manners(mean, std), tensors.pop("scales", None))


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


def _colour(text: str) -> _Colour:
    red, green, blue = (float(number) for number in json.loads(text))
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError(text)
    return red, green, blue


def import_h5py() -> ModuleType:
    """h5py, which not everybody needs; ExtraError where it is missing."""
    try:
        import h5py
    except ImportError as error:
        raise ExtraError("VGG-19 and Keras' .h5 files need h5py: pip install 'impasto[vgg19]'") from error
    module: ModuleType = h5py
    return module


def _damaged(path: Path) -> WeightsError:
    return WeightsError(f"{path} is damaged or holds no weights: copy it again from where it came")
