"""How steady a film is, and how near to its style: measured with a flow that it was not made with."""

from collections.abc import Generator
from typing import Any, Final

import torch
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.easel import Easel
from impasto.methods.flow import Classical
from impasto.methods.following import tie
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics
from impasto.methods.styles import measure as measure_style
from impasto.methods.temporal import warp_error
from impasto.networks.cielab import to_lab
from impasto.networks.vgg import Vgg
from impasto.tasks import FilmProgress
from impasto.video.assignment import Assignment
from impasto.video.pace import Clock

FAR: Final = 5
"""Frames between the two of a long-term warp error."""
WORST: Final = 5
JUDGED: Final = 8
"""Frames whose style and content are measured, spread over the film."""


def measure(job: Assignment, clock: Clock) -> Generator[FilmProgress, None, dict[str, Any]]:
    """Warp errors of every frame and of the photos themselves, style and content distances; JSON.

    Of a film that is coloured and not painted, the errors are of a and b, and there is no style.
    """
    method: Classical = "dis" if job.options.flow == "deepflow" else "deepflow"
    near: dict[int, tuple[float, float]] = {}
    far: dict[int, tuple[float, float]] = {}
    for start, end in job.survey.shots:
        photos: dict[int, Tensor] = {}
        for number, picture in zip(range(start, end), job.film_photos(range(start, end)), strict=True):
            photos[number] = to_tensor(picture.rgb)
            for found, before in ((near, number - 1), (far, number - FAR)):
                if before in photos:
                    found[number] = _errors(job, photos, number, before, method)
            photos.pop(number - FAR, None)
            yield clock.progress(stage="measuring")
    distances = _distances(job, job.easel) if job.easel else {}
    worst = sorted(near, key=lambda number: -near[number][0])[:WORST]
    return {
        "flow_of_the_measure": method,
        "error_of": "rgb" if job.easel else "ab",
        "warp_error": _mean([painted for painted, _ in near.values()]),
        "warp_error_of_the_photos": _mean([plain for _, plain in near.values()]),
        "long_term_warp_error": _mean([painted for painted, _ in far.values()]),
        "worst_frames": [{"frame": number + 1, "warp_error": near[number][0]} for number in worst],
        "warp_errors": {number + 1: painted for number, (painted, _) in near.items()},
    } | distances


def _errors(
    job: Assignment, photos: dict[int, Tensor], number: int, before: int, method: Classical
) -> tuple[float, float]:
    """Of the frames as they were made, and of the photos."""
    found = tie(photos[number], photos[before], method)
    made = [to_tensor(job.folder.read(n, job.turns[-1]).rgb) for n in (number, before)]
    plain = [photos[number], photos[before]]
    if not job.easel:
        made, plain = ([to_lab(x)[:, 1:] for x in pair] for pair in (made, plain))
    return (
        warp_error(made[0], made[1], found.flow, found.weight),
        warp_error(plain[0], plain[1], found.flow, found.weight),
    )


def _distances(job: Assignment, easel: Easel) -> dict[str, float]:
    """Style and content of some frames, in the mean."""
    count = len(job.survey.indices)
    numbers = sorted({round(k * (count - 1) / (JUDGED - 1)) for k in range(JUDGED)})
    device, style = easel.network.device, easel.scene.regions[0].style(max(job.size_px))
    found = []
    for number in numbers:
        painted, photo = job.folder.read(number, job.turns[-1]), next(job.photos([number]))
        x, plain = (to_tensor(picture.rgb).to(device) for picture in (painted, photo))
        found.append(distances_of(easel.network.vgg, x, plain, style))
    return {
        "style_distance": _mean([style for style, _ in found]),
        "content_distance": _mean([content for _, content in found]),
    }


def distances_of(vgg: Vgg, painted: Tensor, photo: Tensor, style: LayerStatistics) -> tuple[float, float]:
    """Style and content of a painting (1, 3, h, w), by the network that was painted with.

    The photo is 1 in style, where the style is 0, and 0 in content.
    """
    found, own = measure_style(vgg, painted), measure_style(vgg, photo)
    styles = []
    for layer in STYLE_LAYERS:
        far = (own[layer].gram - style[layer].gram).norm().clamp(min=1e-12)
        styles.append(float((found[layer].gram - style[layer].gram).norm() / far))
    with torch.inference_mode():
        features, plain = (vgg(picture, {"4_2"})["4_2"].float() for picture in (painted, photo))
        content = float((features - plain).norm() / plain.norm().clamp(min=1e-12))
    return _mean(styles), content


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
