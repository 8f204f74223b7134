"""The photos and paintings that recipes are compared on."""

from pathlib import Path
from typing import Final

from torch import Tensor

from impasto.crossing import over_white
from impasto.media.picture import read_picture, resize_picture

PAIRS: Final = (
    ("tubingen_canal", "van_gogh_the_starry_night"),
    ("golden_gate_dusk", "klimt_portrait_of_adele_bloch_bauer_i"),
    ("portrait_two_faces_small", "hokusai_the_great_wave_off_kanagawa"),
    ("stata_winter", "kandinsky_composition_vii"),
    ("green_lake", "munch_the_scream"),
    ("flower_vase_plain_bg", "seurat_a_sunday_afternoon_on_the_island_of_la_grande_jatte"),
)
SIZE_PX: Final = 512


def read_pair(photos: Path, paintings: Path, index: int) -> tuple[Tensor, Tensor]:
    """The photo at `SIZE_PX` or its own size, and the painting, (1, 3, h, w)."""
    photo_name, painting_name = PAIRS[index]
    picture = read_picture(photos / f"{photo_name}.jpg")
    photo = over_white(resize_picture(picture, min(SIZE_PX, max(picture.size_px))))
    return photo, over_white(read_picture(paintings / f"{painting_name}.jpg"))
