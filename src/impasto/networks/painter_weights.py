"""A file -> a painter, and back."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import save
from torch import Tensor

from impasto.errors import WeightsError
from impasto.networks.formats import fitting, read_tensors
from impasto.networks.painter import Painter


class LoadedPainter(NamedTuple):
    """A painter in float32 on the CPU, and the hash of its file."""

    painter: Painter
    sha256: str


def load_painter(path: Path) -> LoadedPainter:
    """What `impasto train painter` wrote. WeightsError, for a file that holds no such network."""
    tensors = read_tensors(path)
    if "convolutions.down_half.weight" not in tensors:
        raise WeightsError(f"{path} holds no painter: give what impasto train painter wrote")
    painter = Painter()
    painter.load_state_dict(fitting(tensors, painter, path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LoadedPainter(painter.requires_grad_(False).eval(), sha256)


def painter_bytes(tensors: Mapping[str, Tensor], provenance: str) -> bytes:
    """The bytes of a file that `load_painter` reads, weights in float16."""
    shipped = {
        name: (tensor.half() if tensor.ndim > 1 else tensor.float()).contiguous().cpu()
        for name, tensor in tensors.items()
    }
    # One entry, since safetensors writes several in any order, and the same seed is the same file.
    return save(shipped, {"provenance": provenance})
