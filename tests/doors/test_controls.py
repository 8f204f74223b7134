"""Regions, protection, colours and blends, from the command line to the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import impasto
from impasto.cli import main
from impasto.errors import StyleError
from impasto.media.picture import read_picture
from tests.conftest import drawn

MakePicture = Callable[..., Path]
QUICK: dict[str, Any] = {"size": 96, "steps": 6, "rungs": 1}


@pytest.fixture
def photo(picture_file: MakePicture) -> Path:
    return picture_file("photo", size=(96, 72))


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """White on the right."""
    pixels = np.zeros((72, 96), np.uint8)
    pixels[:, 48:] = 255
    Image.fromarray(pixels).save(tmp_path / "right.png")
    return tmp_path / "right.png"


def change(painted: NDArray[np.float32], photo: Path) -> tuple[float, float]:
    """How far the left and the right half are from the photo."""
    away = np.abs(painted - read_picture(photo).rgb)
    return float(away[:, :48].mean()), float(away[:, 48:].mean())


def test_what_is_protected_is_the_photo_in_the_file(photo: Path, mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    words = [
        "--size",
        "96",
        "--steps",
        "6",
        "--protect",
        str(mask),
        "--saturation",
        "1.5",
        "-o",
        str(out),
        "-q",
    ]
    assert main([str(photo), "scream", *words]) == 0
    left, right = change(read_picture(out).rgb, photo)
    assert right == 0
    assert left > 0.05


def test_regions_have_styles_and_strengths_of_their_own(photo: Path, mask: Path) -> None:
    faint = impasto.stylize(photo, "scream", regions=[f"{mask}=great-wave:0.05"], **QUICK)
    strong = impasto.stylize(photo, "scream", regions=[f"{mask}=great-wave:0.9"], **QUICK)
    assert change(faint.rgb, photo)[1] < 0.5 * change(strong.rgb, photo)[1]


def test_a_painting_with_masks_can_be_made_again(photo: Path, mask: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    impasto.stylize(
        photo, "scream", output=out, regions=[f"{mask}=great-wave:0.9"], protect=[f"not:{mask}"], **QUICK
    )
    assert main(["rerun", str(out), "-o", str(again), "-q"]) == 0
    assert np.array_equal(read_picture(out).rgb, read_picture(again).rgb)
    Image.new("L", (96, 72), 255).save(mask)
    assert main(["rerun", str(out), "-o", str(tmp_path / "third.png"), "-q"]) == 2


def test_a_result_never_takes_the_place_of_a_mask(photo: Path, mask: Path) -> None:
    before = mask.read_bytes()
    assert main([str(photo), "scream", "--protect", str(mask), "-o", str(mask), "-q"]) == 2
    assert mask.read_bytes() == before


def test_what_is_no_region_is_told_in_a_sentence(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(photo), "scream", "--region", "nonsense"]) == 2
    assert "write MASK=STYLE, MASK=STYLE:STRENGTH" in " ".join(capsys.readouterr().err.split())


def test_colour_alone_takes_no_steps_and_keeps_every_edge(photo: Path) -> None:
    result = impasto.stylize(photo, "scream", color_only=True, size=96)
    assert result.report["rungs"] == []
    assert result.rgb.std() > 0.05
    assert change(result.rgb, photo)[0] > 0.02


def test_a_folder_of_paintings_is_one_style(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paintings"
    folder.mkdir()
    for kind in ("dots", "stripes"):
        Image.fromarray(drawn(kind, 128, 96)).save(folder / f"{kind}.png")
    whole = impasto.stylize(photo, folder, **QUICK)
    named = impasto.stylize(photo, folder / "dots.png", folder / "stripes.png", **QUICK)
    assert np.array_equal(whole.rgb, named.rgb)


def test_an_empty_folder_is_no_style(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(photo), str(tmp_path / "empty")]) == 2
    assert "no pictures in the folder" in " ".join(capsys.readouterr().err.split())


def test_larger_strokes_are_another_painting(photo: Path, picture_file: MakePicture) -> None:
    dots = picture_file("dots", size=(256, 192))
    coarse, fine = (impasto.stylize(photo, dots, style_scale=scale, **QUICK).rgb for scale in (2, 0.7))
    assert not np.array_equal(coarse, fine)


def test_colours_are_kept_before_only_with_a_painting(photo: Path, picture_file: MakePicture) -> None:
    options: dict[str, Any] = {"keep_colors": 1.0, "keep_colors_by": "before", **QUICK}
    painted = impasto.stylize(photo, picture_file("dots"), **options).rgb
    plain = impasto.stylize(photo, picture_file("dots"), **QUICK).rgb
    mean = read_picture(photo).rgb.mean((0, 1))
    assert np.abs(painted.mean((0, 1)) - mean).sum() < np.abs(plain.mean((0, 1)) - mean).sum()
    with pytest.raises(StyleError, match="only with a painting"):
        impasto.stylize(photo, "scream", **options)
