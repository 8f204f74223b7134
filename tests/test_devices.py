import pytest
import torch

from impasto.errors import ResourceError
from impasto.methods.devices import choose_device, choose_precision

CPU = torch.device("cpu")


def test_the_precision_asked_for_is_taken() -> None:
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_one_sentence() -> None:
    assert choose_device("auto").type in {"cpu", "mps"}
    with pytest.raises(ResourceError, match="no cuda device"):
        choose_device("cuda")
