import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from impasto.errors import PictureError, ResourceError
from impasto.media.opening import opened
from impasto.media.picture import Picture, read_picture, read_recipe, write_picture

RGB = np.random.default_rng(0).random((40, 60, 3), np.float32)


@pytest.mark.parametrize("read", [read_picture, read_recipe])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "no file"), (b"", "empty"), (b"hello", "no picture"), (b"II*\0\x08\0\0\0", "damaged")],
)
def test_what_is_no_picture_gets_a_sentence(
    tmp_path: Path, read: object, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=rf"{path}.*; .*\.$") as raised:
        read(path)  # type: ignore[operator]
    assert sentence in str(raised.value)


def test_a_folder_and_what_is_below_a_file_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(PictureError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(PictureError, match="There is no file"):
        read_picture(tmp_path / "a.png" / "b.png")


def test_links_in_a_circle_and_impossible_names_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "loop/a.png", "é" * 128, "a\0b"):
        with pytest.raises(PictureError, match=r"cannot be opened \(.*\); .*\.$"):
            read_picture(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_and_a_device_get_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(os.devnull)
    for name in ("pipe.png", "link.png"):
        with pytest.raises(PictureError, match=rf"{name} is a device or pipe, no regular file; .*\.$"):
            read_picture(tmp_path / name)


def test_a_lack_of_memory_while_colours_are_converted_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4, 3), np.uint8), photometric="cielab")
    monkeypatch.setattr("imagecodecs.cms_transform", exhausted)
    with pytest.raises(ResourceError, match="more memory than there is"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_gets_a_sentence(tmp_path: Path) -> None:
    Image.new("L", (1, 1)).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(PictureError, match="may not be read"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "deep.png",
        "a.jpg",
        "a.webp",
        "a.tif",
        "deep.tif",
        "a.bmp",
        "a.avif",
        "a.heic",
        "a.gif",
        "a.jp2",
    ],
)
def test_a_file_cut_off_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, share: float
) -> None:
    path = tmp_path / name
    if path.suffix in (".gif", ".jp2"):
        Image.fromarray((RGB * 255).astype(np.uint8)).save(path)
    else:
        write_picture(path, Picture(RGB, sixteen_bit=path.stem == "deep"))
    read_picture(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PictureError, match=str(path)):
        read_picture(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.heic", "a.avif", "deep.tif", "a.gif"])
def test_too_many_pixels_are_refused_by_the_header_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".gif":
        Image.fromarray((RGB * 255).astype(np.uint8)).save(path)
    else:
        write_picture(path, Picture(RGB, sixteen_bit=path.stem == "deep"))
    for limit in (2399, 2400 // 2, 1):
        with pytest.raises(PictureError, match="--max-pixels"):
            read_picture(path, max_pixels=limit)
    assert read_picture(path, max_pixels=2400).size_px == (60, 40)


def test_pillows_own_limit_and_warnings_are_as_before(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with opened(tmp_path / "a.png", 7) as file:
        assert Image.MAX_IMAGE_PIXELS == 7
        assert file.tell() == 0
    with pytest.raises(PictureError), opened(tmp_path / "a.png", 7):
        raise KeyError
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_a_tiff_that_lacks_strips_is_refused_rather_than_black(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.full((40, 60, 3), 9999, np.uint16), photometric="rgb", rowsperstrip=8
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        counts = tiff.pages.first.tags[279]
        counts.overwrite((0, *counts.value[1:]))
    with pytest.raises(PictureError):
        read_picture(tmp_path / "a.tif")
