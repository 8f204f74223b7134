"""Faces in a photo, found by dlib, whose detector needs no file of its own (extra `faces`)."""

from typing import Final, NamedTuple

import numpy as np
from PIL import Image

from impasto.errors import ExtraError
from impasto.tasks import Pixels

SEEN_PX: Final = 1200
"""Longest side the photo is looked at; faces of 40 pixels and more are found there."""
SURE: Final = 0.45
"""Score from which a find counts: of 39 photos, a flower scored .38; faces score from there up to 2.6."""


class Face(NamedTuple):
    """A box around eyes and chin, in pixels of the photo."""

    left: float
    top: float
    width: float
    height: float


def find_faces(rgb: Pixels) -> list[Face]:
    """(h, w, 3) in [0, 1] -> faces that look into the camera; ExtraError when dlib is not installed."""
    try:
        import dlib
    except ImportError as error:
        raise ExtraError(
            "finding faces needs dlib; install it with: pip install 'impasto[faces]', or draw a mask"
        ) from error
    height, width = rgb.shape[:2]
    scale = min(1.0, SEEN_PX / max(height, width))
    image = Image.fromarray(np.rint(rgb * 255).astype(np.uint8))
    image = image.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    boxes, scores, _ = dlib.get_frontal_face_detector().run(np.asarray(image), 1, SURE)
    assert len(boxes) == len(scores)
    return [
        Face(*(side / scale for side in (box.left(), box.top(), box.width(), box.height()))) for box in boxes
    ]
