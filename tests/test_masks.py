import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ExtraError, PictureError
from impasto.masks import mask_for, mask_of_faces, read_mask
from impasto.media.faces import Face, find_faces
from impasto.media.picture import Picture, read_picture
from impasto.options import MAX_PIXELS
from impasto.tasks import MaskChoice
from tests.conftest import SAMPLE

SHARED = Path(__file__).parents[2] / "shared" / "data"


def mask_file(folder: Path, size: tuple[int, int] = (64, 48), mode: str = "L") -> Path:
    """White on its left half."""
    pixels = np.zeros((size[1], size[0]), np.uint8)
    pixels[:, : size[0] // 2] = 255
    path = folder / "mask.png"
    image = Image.fromarray(pixels)
    if mode == "RGBA":
        shown = Image.new("RGBA", size, (255, 255, 255, 0))
        shown.putalpha(image)
        image = shown
    image.save(path)
    return path


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_white_counts_and_black_and_transparent_do_not(tmp_path: Path, mode: str) -> None:
    mask = read_mask(MaskChoice(path=mask_file(tmp_path, mode=mode)), (64, 48), MAX_PIXELS)
    assert mask.shape == (48, 64)
    assert mask[:, :32].min() == 1
    assert mask[:, 32:].max() == 0


def test_not_is_the_rest(tmp_path: Path) -> None:
    path = mask_file(tmp_path)
    choices = [MaskChoice.model_validate(text) for text in (f"{path}", f"not:{path}")]
    one, rest = (read_mask(choice, (64, 48), MAX_PIXELS) for choice in choices)
    assert ((one + rest) - 1).abs().max() < 1e-6


def test_a_mask_of_another_size_fits_and_is_soft(tmp_path: Path) -> None:
    mask = read_mask(MaskChoice(path=mask_file(tmp_path, (32, 24))), (301, 225), MAX_PIXELS)
    assert mask.shape == (225, 301)
    assert abs(float(mask.mean()) - 0.5) < 0.01
    assert ((mask > 0.2) & (mask < 0.8)).any()


def test_a_mask_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="not the shape of the photo, painted at 64 x 64"):
        read_mask(MaskChoice(path=mask_file(tmp_path)), (64, 64), MAX_PIXELS)


def test_a_mask_that_marks_nothing_is_refused(tmp_path: Path) -> None:
    Image.new("L", (64, 48)).save(tmp_path / "black.png")
    with pytest.raises(PictureError, match=r"black\.png marks nothing; what counts should be white"):
        read_mask(MaskChoice(path=tmp_path / "black.png"), (64, 48), MAX_PIXELS)


def test_a_face_is_marked_with_its_hair_and_chin_and_fades_around_them() -> None:
    mask = mask_of_faces([Face(40, 30, 30, 30)], (120, 100))
    assert mask[30:60, 40:70].min() == 1
    assert mask[24, 55] == 1
    assert mask[45, 0] == mask[0, 0] == mask[99, 55] == 0
    assert ((mask > 0) & (mask < 1)).any()


def test_a_photo_without_faces_says_so(sample: Picture) -> None:
    assert find_faces(sample.rgb) == []
    with pytest.raises(PictureError, match="no faces were found"):
        mask_for(MaskChoice.model_validate("faces"), sample, MAX_PIXELS)


def test_without_dlib_the_remedy_is_told(sample: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ExtraError, match=r"pip install 'impasto\[faces\]', or draw a mask"):
        mask_for(MaskChoice.model_validate("not:faces"), sample, MAX_PIXELS)


def test_a_face_is_found_where_it_is() -> None:
    photo = SHARED / "content" / "portrait_two_faces_small.jpg"
    if not photo.exists():
        pytest.skip("the development photos are not here")
    picture = read_picture(photo)
    mask = mask_for(MaskChoice.model_validate("faces"), picture, MAX_PIXELS)
    assert mask[150, 350] == 1  # the man's nose
    assert mask[:, :40].max() == 0


@pytest.fixture
def sample() -> Picture:
    return read_picture(SAMPLE, longest_px=512)
