import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.networks.fetch import data_folder
from impasto.networks.squeezenet import SqueezeNet
from impasto.networks.weights import load_squeezenet

STUPA, BELL_COTE = 832, 442


@pytest.fixture(scope="module")
def judge() -> SqueezeNet:
    return load_squeezenet()


@pytest.fixture(scope="module")
def photo() -> Tensor:
    image = (
        Image.open(data_folder() / "sample.jpg").convert("RGB").resize((227, 227), Image.Resampling.BICUBIC)
    )
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]


def test_probabilities_are_probabilities(judge: SqueezeNet, photo: Tensor) -> None:
    for picture in (photo, torch.rand(3, 3, 227, 227), torch.zeros(1, 3, 64, 90)):
        probabilities = judge.classify(picture)
        assert probabilities.shape == (len(picture), 1000)
        assert probabilities.min() >= 0
        torch.testing.assert_close(probabilities.sum(1), torch.ones(len(picture)))


def test_a_palace_with_towers_is_named_so(judge: SqueezeNet, photo: Tensor) -> None:
    probabilities = judge.classify(photo)[0]
    assert set(probabilities.topk(2).indices.tolist()) == {STUPA, BELL_COTE}
    assert probabilities[[STUPA, BELL_COTE]].sum() > 0.6


def test_red_comes_first(judge: SqueezeNet, photo: Tensor) -> None:
    seen, seen_swapped = (judge.classify(picture)[0] for picture in (photo, photo.flip(1)))
    assert seen.max() > 2 * seen_swapped.max()


def test_features_have_their_shapes(judge: SqueezeNet) -> None:
    features = judge(torch.rand(2, 3, 227, 227))
    sizes = {name: tuple(feature.shape[1:]) for name, feature in features.items()}
    assert sizes == {
        "conv1": (64, 114, 114),
        "fire2": (128, 57, 57),
        "fire3": (128, 57, 57),
        "fire4": (256, 28, 28),
        "fire5": (256, 28, 28),
        "fire6": (384, 14, 14),
        "fire7": (384, 14, 14),
        "fire8": (512, 14, 14),
        "fire9": (512, 14, 14),
    }


def test_the_judge_is_never_optimised(judge: SqueezeNet) -> None:
    assert not judge.training
    assert not any(parameter.requires_grad for parameter in judge.parameters())
