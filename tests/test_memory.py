from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impasto.errors import ResourceError
from impasto.methods.memory import Workspace, fit, spaces
from impasto.options import Optimizer


def test_a_picture_that_fits_is_seen_whole() -> None:
    assert fit((512, 384), torch.bfloat16, "lbfgs", 4e9) == Workspace()


def test_a_hundred_megapixels_fit_into_four_gigabytes() -> None:
    space = fit((11_552, 8_664), torch.bfloat16, "lbfgs", 4e9)
    assert space.lean
    assert space.core_px is not None
    assert not space.keep_content
    assert not space.pyramid


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_a_size_that_fits_is_named_and_fits(optimizer: Optimizer) -> None:
    with pytest.raises(ResourceError, match=r"use --size \d+ or less") as refusal:
        fit((40_000, 30_000), torch.bfloat16, optimizer, 4e9)
    size = int(str(refusal.value).split("--size ")[1].split()[0])
    fit((size, size * 3 // 4), torch.bfloat16, optimizer, 4e9)


def test_too_little_memory_for_any_picture_says_how_much_it_takes() -> None:
    with pytest.raises(ResourceError, match="use --memory 2GB or more"):
        fit((512, 384), torch.bfloat16, "lbfgs", 1e8)


@given(megapixels=st.floats(0.1, 100), gigabytes=st.floats(4, 64))
def test_more_memory_is_never_leaner(megapixels: float, gigabytes: float) -> None:
    side = int((megapixels * 1e6) ** 0.5)
    less, more = (
        fit((side, side), torch.bfloat16, "lbfgs", size * 1e9) for size in (gigabytes, 2 * gigabytes)
    )
    assert more.lean <= less.lean
    assert more.keep_content >= less.keep_content
    assert more.pyramid >= less.pyramid


def test_the_photo_lies_beside_the_lower_rungs() -> None:
    assert spaces([(1800, 1800), (3600, 3600)], torch.bfloat16, "lbfgs", 7.8e9)[0] != fit(
        (1800, 1800), torch.bfloat16, "lbfgs", 7.8e9
    )
