"""Small pictures in every format that opens, drawn here: a corpus for those who bring none."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import numpy as np
import pillow_heif
import tifffile
from PIL import Image

_SCENE: Final = (np.indices((12, 16)).sum(0)[..., None] * (9, 5, 7)).astype(np.uint8)
_SEE_THROUGH: Final = np.dstack([_SCENE, _SCENE[..., 0] * 2])
_PILLOW: Final[dict[str, dict[str, Any]]] = {
    "PNG": {},
    "GIF": {},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {},
    "ICO": {"sizes": [(16, 12)]},
    "JPEG2000": {},
    "BMP": {},
    "TGA": {},
    "QOI": {},
}
_OPAQUE: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"progressive": True},
    "PPM": {},
    "PCX": {},
    "SGI": {},
}
_ANIMATED: Final = ("GIF", "WEBP", "PNG", "AVIF", "TIFF")
_TIFFS: Final[tuple[tuple[type[np.generic], dict[str, Any]], ...]] = (
    (np.uint16, {"photometric": "rgb"}),
    (np.uint8, {"photometric": "cielab"}),
    (np.float32, {"photometric": "rgb", "compression": "deflate"}),
    (np.uint16, {"photometric": "rgb", "tile": (16, 16), "byteorder": ">"}),
)


def drawn_files() -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of a file, for each format and kind of picture."""
    for kinds, pixels in ((_PILLOW, _SEE_THROUGH), (_OPAQUE, _SCENE)):
        for kind, how in kinds.items():
            yield f"{kind}.bin".lower(), _saved(Image.fromarray(pixels), kind, **how)
    for mode in ("1", "L", "P", "CMYK"):
        kind = "JPEG" if mode == "CMYK" else "PNG"
        yield f"{mode}.{kind}.bin".lower(), _saved(Image.fromarray(_SCENE).convert(mode), kind)
    frames = [Image.fromarray(np.roll(_SEE_THROUGH, shift, 1)) for shift in range(3)]
    for kind in _ANIMATED:
        moving = _saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=40)
        yield f"{kind}-moving.bin".lower(), moving
    for number, (sort, layout) in enumerate(_TIFFS):
        file = BytesIO()
        tifffile.imwrite(file, _SCENE.astype(sort), **layout)
        yield f"tiff-{number}.bin", file.getvalue()
    exif = Image.Exif()
    exif[274] = 6
    yield "turned.bin", _saved(Image.fromarray(_SCENE), "JPEG", exif=exif)
    heif = BytesIO()
    pillow_heif.from_pillow(Image.fromarray(_SEE_THROUGH)).save(heif)
    yield "heif.bin", heif.getvalue()


def _saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()
