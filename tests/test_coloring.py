from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import impasto
from impasto.errors import OptionError
from impasto.media.picture import Picture, read_picture, write_picture
from impasto.tasks import Colored, Pixels

MakePicture = Callable[..., Path]
QUICK: Any = {"size": 64, "looks": 1}


def saturation(rgb: Pixels) -> float:
    return float((rgb.max(2) - rgb.min(2)).mean())


def test_a_photo_gets_colors_and_keeps_its_size(sample_grey: Path, tmp_path: Path) -> None:
    colored = impasto.colorize(sample_grey, output=tmp_path / "out.png")
    assert isinstance(colored, Colored)
    assert colored.rgb.shape == read_picture(sample_grey).rgb.shape
    assert saturation(colored.rgb) > 0.05
    assert colored.report["recipe"]["task"]["options"]["precision"] in {"float32", "bfloat16"}


def test_the_sky_of_the_sample_is_bluer_than_its_roofs(sample_grey: Path) -> None:
    rgb = impasto.colorize(sample_grey).rgb
    height, width = rgb.shape[:2]
    sky = rgb[: height // 8, width // 3 : -width // 3].mean((0, 1))
    assert sky[2] > sky[0]


def test_the_same_picture_in_sepia_gets_the_same_colors(sample_grey: Path, tmp_path: Path) -> None:
    grey = read_picture(sample_grey).rgb
    write_picture(tmp_path / "sepia.png", Picture(grey * np.array([1, 0.92, 0.78], np.float32)))
    plain, sepia = (impasto.colorize(path, **QUICK).rgb for path in (sample_grey, tmp_path / "sepia.png"))
    assert (
        np.abs((plain - plain.mean(2, keepdims=True)) - (sepia - sepia.mean(2, keepdims=True))).mean() < 0.03
    )


def test_sixteen_bits_and_transparency_come_through(sample_grey: Path, tmp_path: Path) -> None:
    grey = read_picture(sample_grey).rgb
    alpha = np.ones(grey.shape[:2], np.float32)
    alpha[:10] = 0
    write_picture(tmp_path / "fine.png", Picture(grey, alpha, sixteen_bit=True))
    impasto.colorize(tmp_path / "fine.png", output=tmp_path / "out.png", **QUICK)
    result = read_picture(tmp_path / "out.png")
    assert result.sixteen_bit
    assert result.alpha is not None
    assert result.alpha[0, 0] == 0


def test_a_hint_and_a_reference_change_the_colors(sample_grey: Path, picture_file: MakePicture) -> None:
    plain = impasto.colorize(sample_grey, **QUICK).rgb
    hinted = impasto.colorize(sample_grey, hint=("60,40,#c03020",), **QUICK).rgb
    assert hinted[40, 60, 0] - hinted[40, 60, 2] > plain[40, 60, 0] - plain[40, 60, 2] + 0.1
    led = impasto.colorize(sample_grey, reference=picture_file("dots"), **QUICK).rgb
    assert np.abs(led - plain).mean() > 0.01


def test_a_hint_outside_is_refused(sample_grey: Path) -> None:
    with pytest.raises(OptionError, match="outside of the picture, which is"):
        impasto.colorize(sample_grey, hint=("9000,1,#ffffff",), **QUICK)


def test_networks_given_as_a_file_color_too(sample_grey: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from impasto.networks.colorizer import ColorHead

    save_file(ColorHead(313).state_dict(), tmp_path / "blank.safetensors")
    rgb = impasto.colorize(sample_grey, weights=tmp_path / "blank.safetensors", **QUICK).rgb
    assert saturation(rgb) < 0.02  # all of its bins lie at grey
