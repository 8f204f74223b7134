"""The ladder: a small picture is painted first, then enlarged and painted on, rung by rung.

Big strokes are cheap where the picture is small, and the big picture starts from nearly right.
Departures from the usual ladder: the photo is brought to the style's colours before the first step, which
saves half the steps; and what enlarging loses of the photo's fine detail is given back, so that a rung that
starts low does not forget the photo.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.media.scaling import fit_within
from impasto.methods.color import ColorMap, add_plane, color_map, recolor
from impasto.methods.losses import statistics
from impasto.methods.memory import CORES_PX, Workspace, ran_out_of_memory
from impasto.methods.objective import CONTENT_LAYER, Wishes, loss_and_gradient, wanted
from impasto.methods.optimize import LossAndGradient, descend, search_for
from impasto.methods.styles import COLORS, STYLE_LAYERS, LayerStatistics, StyleAt, mix, resize_to
from impasto.methods.tiles import cut
from impasto.networks.vgg import POOLED_STRIDE, Vgg, halo_px
from impasto.options import Optimizer, Start

SMALLEST_RUNG_PX: Final = 200
MOST_RUNGS: Final = 12
FIRST_STEPS: Final = 40
LATER_STEPS: Final = 1 / 2
"""Each rung takes this share of the steps of the rung before: it starts from nearly right."""
FEWEST_STEPS: Final = 4
"""On a rung that has curvature to learn."""


class Rung(NamedTuple):
    """size_px: (width, height) painted at; steps: at most."""

    size_px: tuple[int, int]
    steps: int


@dataclass(frozen=True)
class Manner:
    """How to search: the optimizer, what to start from, and where noise is drawn from."""

    optimizer: Optimizer = "lbfgs"
    start: Start = "recolored"
    seed: int = 0


def plan(
    photo_px: tuple[int, int], longest_px: int, rungs: int | None, steps: int | None, effort: float = 1.0
) -> list[Rung]:
    """Halves the size until the next rung would be too small to paint, and shares out the steps.

    photo_px: (width, height) of the photo, which is never enlarged. effort: multiplies the usual steps.
    """
    longest_px = min(longest_px, max(photo_px))
    sizes = [longest_px]
    while len(sizes) < (rungs or MOST_RUNGS):
        half = round(sizes[0] / 2)
        if min(fit_within(photo_px, half)) < POOLED_STRIDE or (rungs is None and half < SMALLEST_RUNG_PX):
            break
        sizes.insert(0, half)
    weights = [LATER_STEPS**index for index in range(len(sizes))]
    if steps is None:
        shares = [max(FEWEST_STEPS, round(effort * FIRST_STEPS * weight)) for weight in weights]
    else:
        shares = [max(1, round(steps * weight / sum(weights))) for weight in weights]
    return [Rung(fit_within(photo_px, size), share) for size, share in zip(sizes, shares, strict=True)]


def enlarge(painted: Tensor, photo: Tensor, photo_small: Tensor, colors: ColorMap) -> Tensor:
    """The painting at the photo's size, with the photo's detail that the small photo could not hold."""
    size = (photo.shape[2], photo.shape[3])
    result = resize_to(painted, size)
    for channel in range(3):
        detail = photo[:, channel : channel + 1] - resize_to(photo_small[:, channel : channel + 1], size)
        add_plane(result, detail[0, 0], colors.matrix[:, channel])
    return result


class Earlier(NamedTuple):
    """The frame before in an animation, as photographed and as painted; (1, 3, h, w) each."""

    photo: Tensor
    painting: Tensor


@dataclass(frozen=True)
class Climbed:
    """One step of the whole climb; picture (1, 3, h, w), may reach slightly out of [0, 1].

    The last one has no loss, and its picture is the finished painting, in [0, 1].
    """

    rung: int
    loss: float | None
    picture: Tensor
    note: str | None


def climb(  # noqa: PLR0913, PLR0917 - the parts of the method, each named
    vgg: Vgg,
    photo: Tensor,
    style: StyleAt,
    rungs: Sequence[Rung],
    wishes: Wishes,
    manner: Manner = Manner(),
    spaces: Sequence[Workspace] = (),
    enough: Callable[[int, int], bool] = lambda _rung, _steps: False,
    stop: Callable[[], bool] = lambda: False,
    earlier: Earlier | None = None,
) -> Iterator[Climbed]:
    """Paints `photo` (1, 3, h, w) in [0, 1] up the rungs, yielding every step and at last the painting.

    spaces: the workspace of each rung; roomy ones, if left out.
    enough: asked after every step, with the rung and its steps so far; once true, the next rung begins.
    stop: the same; once true, the painting so far is only enlarged to the top.
    earlier: paint on from this, and from what the photo has changed since, at the size of the first rung.
    """
    spaces = spaces or [Workspace()] * len(rungs)
    x = small = photo[..., :0, :0]
    colors = ColorMap(torch.eye(3).to(photo.device), torch.zeros(3).to(photo.device))
    for index, (rung, space) in enumerate(zip(rungs, spaces, strict=True)):
        size = (rung.size_px[1], rung.size_px[0])
        here = _at(photo, size)
        if index > 0:
            x = enlarge(x, here, small, colors)
        elif manner.start == "noise" and earlier is None:
            drawn = torch.rand(here.shape, generator=torch.Generator().manual_seed(manner.seed))
            x = drawn.to(here.device)
        else:
            if manner.start == "recolored":
                own = {COLORS: statistics(here)}
                worn = mix([own, style(max(rung.size_px))], [1 - wishes.style_share, wishes.style_share])[
                    COLORS
                ]
                colors = color_map(own[COLORS], worn)
            x = recolor(here, colors)
            if earlier is not None:
                x = (earlier.painting + x - recolor(earlier.photo, colors)).clamp_(0, 1)
        small = here
        if not stop():
            evaluate = _Evaluation(vgg, here, style(max(rung.size_px)), wishes, space)
            search = search_for(manner.optimizer, space.history, space.lean)
            for steps, step in enumerate(descend(x, evaluate, rung.steps, search), start=1):
                x = step.picture
                yield Climbed(index, step.loss, x, step.note)
                if stop() or enough(index, steps):
                    break
        x = x.clamp_(0, 1) if space.lean else x.clamp(0, 1)
    yield Climbed(len(rungs) - 1, None, x, None)


class _Evaluation:
    """The loss and gradient on one rung; when memory runs out, the same in smaller tiles."""

    def __init__(
        self, vgg: Vgg, photo: Tensor, style: LayerStatistics, wishes: Wishes, space: Workspace
    ) -> None:
        self.vgg, self.photo, self.style, self.wishes = vgg, photo, style, wishes
        self.cores = [
            space.core_px,
            *(core for core in CORES_PX if core < (space.core_px or max(photo.shape[2:]))),
        ]
        self.space = space
        self.evaluate: LossAndGradient | None = None

    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        while True:
            try:
                self.evaluate = self.evaluate or self._prepared()
                return self.evaluate(picture)
            except RuntimeError as error:
                if not ran_out_of_memory(error) or len(self.cores) == 1:
                    raise
            # Out of the handler, which holds on to the memory of what failed.
            self.evaluate = None
            self.cores.pop(0)

    def _prepared(self) -> LossAndGradient:
        size, core_px = (self.photo.shape[2], self.photo.shape[3]), self.cores[0]
        reach = halo_px(self.vgg.architecture, {CONTENT_LAYER, *STYLE_LAYERS})
        tiles = cut(size, core_px, reach) if core_px else ()
        want = wanted(self.vgg, self.photo, self.style, self.wishes, tiles, self.space.keep_content)
        return loss_and_gradient(self.vgg, want, torch.bfloat16 if self.space.lean else torch.float32)


def _at(photo: Tensor, size: tuple[int, int]) -> Tensor:
    """The photo itself at its own size; at another, in float32."""
    if photo.shape[2:] == size:
        return photo
    channels = [resize_to(photo[:, channel : channel + 1].float(), size) for channel in range(3)]
    return torch.cat(channels, dim=1).clamp_(0, 1)
