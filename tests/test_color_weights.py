from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import WeightsError
from impasto.methods.gamut import annealed_mean
from impasto.networks.color_weights import load_colorist
from impasto.networks.colorizer import ColorHead, Colorizer
from impasto.networks.vgg import Vgg
from impasto.networks.zhang import ZhangNet

RELEASED_SHAPES = {
    "model1.0.weight": (64, 1, 3, 3),
    "model1.2.bias": (64,),
    "model1.4.running_var": (64,),
    "model3.4.weight": (256, 256, 3, 3),
    "model4.6.weight": (512,),
    "model7.4.weight": (512, 512, 3, 3),
    "model8.0.weight": (512, 256, 4, 4),
    "model8.6.weight": (313, 256, 1, 1),
    "model_out.weight": (2, 313, 1, 1),
}


@pytest.fixture(scope="session")
def released() -> dict[str, Tensor]:
    """Tensors of the released file's names and shapes, filled with small random numbers."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: 0.02 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in ZhangNet().state_dict().items()
        if tensor.is_floating_point()
    }
    return {name: tensor.abs() + 1 if "var" in name else tensor for name, tensor in tensors.items()}


@pytest.fixture
def head(tmp_path: Path) -> Path:
    path = tmp_path / "head.safetensors"
    save_file(ColorHead(313).state_dict(), path)
    return path


def load(weights: Path, vgg: Vgg | None = None) -> ZhangNet | Colorizer:
    def loaded() -> Vgg:
        assert vgg is not None, "the paper's network needs no VGG"
        return vgg

    return load_colorist(loaded, "impasto", weights).colorist


def test_the_papers_network_has_the_released_layout(released: dict[str, Tensor]) -> None:
    assert {name: tuple(released[name].shape) for name in RELEASED_SHAPES} == RELEASED_SHAPES


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_released_weights_are_read_and_color(
    released: dict[str, Tensor], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"released{suffix}"
    (torch.save if suffix == ".pth" else save_file)(released, path)
    network = load(path)
    scores = network(torch.full((1, 1, 64, 96), 50.0))
    assert scores.shape == (1, 313, 16, 24)
    # What the authors compute: a plain softmax, and a convolution that holds the bins.
    plain = (scores / 0.38).softmax(1)
    theirs = 110 * torch.einsum("nqhw,cq->nchw", plain, released["model_out.weight"][:, :, 0, 0])
    torch.testing.assert_close(annealed_mean(scores, network.centres, 0.38), theirs)
    path.unlink()


def test_our_head_is_read_and_sees_a_quarter(head: Path, vgg: Vgg) -> None:
    network = load(head, vgg)
    with torch.inference_mode():
        assert network(torch.full((1, 1, 64, 96), 50.0)).shape == (1, 313, 16, 24)


Change = Callable[[dict[str, Tensor]], object]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tensors: tensors.pop("scores.weight"), "holds no colorizer"),
        (lambda tensors: tensors.pop("down.weight"), "down.weight is missing"),
        (lambda tensors: tensors.update({"down.bias": torch.zeros(3)}), r"down.bias is \(3,\), not \(128,\)"),
        (lambda tensors: tensors["down.bias"].fill_(torch.nan), "damaged"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(head: Path, tmp_path: Path, change: Change, says: str) -> None:
    tensors = ColorHead(313).state_dict()
    change(tensors)
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=says):
        load(tmp_path / "other.safetensors")


def test_a_file_of_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("This is no network.")
    with pytest.raises(WeightsError, match=r"no file of weights"):
        load(tmp_path / "text.pth")
    with pytest.raises(WeightsError, match="cannot be read"):
        load(tmp_path / "nowhere.pth")
