import pytest

from impasto.methods.distances import distances
from impasto.studio import Studio
from tests.conftest import tensor


@pytest.mark.parametrize("number", [0, 1])
def test_the_photo_is_at_1_and_0_and_the_style_at_0_and_1(number: int) -> None:
    judge = Studio().judges[number]
    photo, style = tensor("photo", 128, 128), tensor("dots", 128, 128)
    assert distances(judge, photo, photo, style) == pytest.approx((1, 0))
    assert distances(judge, style, photo, style) == pytest.approx((0, 1), abs=1e-5)
    between = distances(judge, (photo + style) / 2, photo, style)
    assert 0 < between.style < 1
    assert 0 < between.content < 1
