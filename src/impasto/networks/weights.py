"""Bytes -> networks: the bundled ones, the fetched one, or a file of the user's."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from impasto.errors import WeightsError
from impasto.networks.fetch import data_folder, fetch_model, model_path
from impasto.networks.formats import CAFFE, Manners, import_h5py, read_contents
from impasto.networks.gmflow import Gmflow
from impasto.networks.squeezenet import SqueezeNet
from impasto.networks.vgg import CHANNELS, Architecture, Vgg, VggWeights, layer_names

_TORCHVISION: Final = Manners((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_TITLES: Final[dict[Architecture, str]] = {"vgg19": "VGG-19", "vgg16": "VGG-16"}
_SAMPLE_PX: Final = 256
EIGHT_BITS: Final = 64
"""Numbers are multiplied by it before they become float8, whose finest steps are 1/512."""


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
        import_h5py()
    return read_vgg(model_path(architecture) or fetch_model(architecture), architecture)


def load_squeezenet() -> SqueezeNet:
    """The bundled judge, float32 on the CPU. WeightsError if the file is damaged."""
    path = fetch_model("squeezenet")
    try:
        return SqueezeNet(load_file(path))
    except Exception as error:
        raise WeightsError(f"{path} is damaged: reinstall impasto") from error


@cache
def load_gmflow() -> Gmflow:
    """The bundled network of flow, float32 on the CPU. WeightsError if the file is damaged."""
    path = fetch_model("gmflow")
    try:
        with torch.device("meta"):
            network = Gmflow()
        tensors = {name: _unpacked(tensor) for name, tensor in load_file(path).items()}
        network.load_state_dict(tensors, assign=True)
    except Exception as error:
        raise WeightsError(f"{path} is damaged: reinstall impasto") from error
    return network.requires_grad_(False)


def _unpacked(tensor: Tensor) -> Tensor:
    return tensor.float() / EIGHT_BITS if tensor.dtype == torch.float8_e4m3fn else tensor.float()


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
    contents = read_contents(path, head)
    tensors = _checked(contents.tensors, architecture, path)
    manners = contents.manners or _manners_of(tensors["conv1_1.weight"])
    if manners.blue_first:
        tensors["conv1_1.weight"] = tensors["conv1_1.weight"].flip(1)
    unscaled = (1.0,) * len(layer_names(architecture))
    network = VggWeights(architecture, tensors, manners.mean, manners.std, unscaled, sha256)
    if contents.scales is None:
        return replace(network, scales=_measured_scales(network, path))
    return replace(network, scales=_checked_scales(contents.scales, len(unscaled), path))


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


def _manners_of(conv1_1: Tensor) -> Manners:
    """torchvision's manners, or those of Caffe for a network of Simonyan & Zisserman in torchvision's names.

    neural-style's files are such. VGG-16 and VGG-19 were trained from the same first layer, and their
    kernels still point the same way (mean cosine .99); torchvision's were trained afresh (about 0).
    """
    known = _bundled_vgg16().tensors["conv1_1.weight"].float().flatten(1)
    kinship = F.cosine_similarity(conv1_1.float().flip(1).flatten(1), known).mean()
    return CAFFE if kinship > 0.8 else _TORCHVISION


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
