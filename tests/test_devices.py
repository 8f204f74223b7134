import pytest
import torch

from impasto.errors import ResourceError
from impasto.methods.devices import check_memory, choose_device, choose_precision

CPU = torch.device("cpu")


def test_the_precision_asked_for_is_taken() -> None:
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_one_sentence() -> None:
    assert choose_device("auto").type in {"cpu", "mps"}
    with pytest.raises(ResourceError, match="no cuda device"):
        choose_device("cuda")


def test_a_picture_larger_than_memory_is_refused_with_a_size_that_fits() -> None:
    with pytest.raises(ResourceError, match=r"use --size \d+ or less"):
        check_memory((200_000, 100_000), torch.float32, CPU)
    check_memory((512, 384), torch.float32, CPU)
