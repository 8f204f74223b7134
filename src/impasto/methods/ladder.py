"""The ladder: a small picture is painted first, then enlarged and painted on, rung by rung.

Big strokes are cheap where the picture is small, and the big picture starts from nearly right.
Departures from the usual ladder: the photo is brought to the style's colours before the first step, which
saves half the steps; what enlarging loses of the photo's fine detail is given back, so that a rung that
starts low does not forget the photo; and the curvature that L-BFGS has learnt is enlarged with the picture.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.media.scaling import fit_within
from impasto.methods.bouts import AVERAGED_STEPS, NO_SHIFT, Bout, bouts, holding, seen_shifted, shifted
from impasto.methods.color import ColorMap, add_plane, color_map, recolor
from impasto.methods.fast import draft
from impasto.methods.graphs import recorded
from impasto.methods.lbfgs import Lbfgs
from impasto.methods.losses import statistics
from impasto.methods.memory import CORES_PX, Workspace, ran_out_of_memory, return_freed_memory
from impasto.methods.objective import CONTENT_LAYER, Wanted, layer_weights, loss_and_gradient, wanted
from impasto.methods.optimize import LossAndGradient, Search, Step, descend, search_for
from impasto.methods.pyramid import levels_of, over_levels, sparing
from impasto.methods.scene import Scene
from impasto.methods.styles import COLORS, mix, resize_to
from impasto.methods.tiles import cut
from impasto.networks.painter import Painter
from impasto.networks.vgg import POOLED_STRIDE, Vgg, halo_px
from impasto.options import Optimizer, Start

SMALLEST_RUNG_PX: Final = 200
MOST_RUNGS: Final = 12
FIRST_STEPS: Final = 40
"""The usual work of the first rung."""
LATER_STEPS: Final = 1 / 2
"""Each rung's usual work is this share of the steps of the rung before: it starts from nearly right."""
LOWER_STEPS: Final = 20
"""What a rung takes at most, unless it is the top: more finds no longer strokes and forgets the photo."""
FEWEST_STEPS: Final = 4
"""On a rung that has curvature to learn."""
DRAFTED_PX: Final = 1024
"""A draft to be searched on from is painted so large at least: fine strokes lead nearer to the style."""


class Rung(NamedTuple):
    """size_px: (width, height) painted at; steps: at most."""

    size_px: tuple[int, int]
    steps: int


@dataclass(frozen=True)
class Manner:
    """How to search: the optimizer, what to start from, and where noise and a draft's canvas are drawn from.

    look_every: steps from one look at the loss to the next; each look waits for the device. painter: paints
    the draft that "draft" starts from.
    """

    optimizer: Optimizer = "lbfgs"
    start: Start = "recolored"
    seed: int = 0
    look_every: int = 1
    painter: Painter | None = None


def plan(
    photo_px: tuple[int, int], longest_px: int, rungs: int | None, steps: int | None, effort: float = 1.0
) -> list[Rung]:
    """Halves the size until the next rung would be too small to paint, and shares out the steps.

    photo_px: (width, height) of the photo, which is never enlarged. effort: multiplies the usual work; what
    the lower rungs cannot use goes to the top.
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
        wanted = [effort * FIRST_STEPS * weight for weight in weights]
        capped = [min(LOWER_STEPS, one) for one in wanted[:-1]]
        # In steps at the top, where a step takes as much longer as the picture is larger.
        areas = [(size / sizes[-1]) ** 2 for size in sizes]
        left = sum((one - most) * area for one, most, area in zip(wanted, capped, areas, strict=False))
        shares = [max(FEWEST_STEPS, round(one)) for one in [*capped, wanted[-1] + left]]
    else:
        shares = [max(1, round(steps * weight / sum(weights))) for weight in weights]
    return [Rung(fit_within(photo_px, size), share) for size, share in zip(sizes, shares, strict=True)]


def washes(scene: Scene) -> list[ColorMap]:
    """What brings each region of the photo to its style's colours."""
    found = []
    for region in scene.regions:
        total = None if region.guide is None else region.guide.total(1)
        own = {COLORS: statistics(scene.photo, region.mask, total)}
        share = region.wishes.style_share
        worn = mix([own, region.style(max(scene.size))], [1 - share, share])
        found.append(color_map(own[COLORS], worn[COLORS]))
    return found


def washed(scene: Scene, colors: Sequence[ColorMap]) -> Tensor:
    """The photo, each region through its map; (1, 3, h, w) float32."""
    result = torch.zeros_like(scene.photo, dtype=torch.float32)
    for region, one in zip(scene.regions, colors, strict=True):
        worn = recolor(scene.photo, one)
        if region.mask is None:
            return worn
        result += region.mask * worn
    return result if scene.kept is None else result.add_(scene.kept * scene.photo)


def enlarge(painted: Tensor, scene: Scene, small: Scene, colors: Sequence[ColorMap]) -> Tensor:
    """The painting at the photo's size, with the photo's detail that the small photo could not hold."""
    result = resize_to(painted, scene.size)
    for channel in range(3):
        plane = slice(channel, channel + 1)
        detail = (scene.photo[:, plane] - resize_to(small.photo[:, plane], scene.size))[0, 0]
        for region, one in zip(scene.regions, colors, strict=True):
            seen = detail if region.mask is None else region.mask * detail
            add_plane(result, seen, one.matrix[:, channel])
    return scene.with_kept(result)


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
    scene: Scene,
    rungs: Sequence[Rung],
    manner: Manner = Manner(),
    spaces: Sequence[Workspace] = (),
    enough: Callable[[int, int], bool] = lambda _rung, _steps: False,
    stop: Callable[[], bool] = lambda: False,
    earlier: Earlier | None = None,
) -> Iterator[Climbed]:
    """Paints the scene up the rungs, yielding every step and at last the painting.

    spaces: the workspace of each rung; roomy ones, if left out.
    enough: asked after every step, with the rung and its steps so far; once true, the next rung begins.
    stop: the same; once true, the painting so far is only enlarged to the top.
    earlier: paint on from this, and from what the photo has changed since, at the size of the first rung.
    """
    spaces = spaces or [Workspace()] * len(rungs)
    x, small, colors = scene.photo, scene, list[ColorMap]()
    search: Search | None = None
    for index, (rung, space) in enumerate(zip(rungs, spaces, strict=True)):
        here = scene.at((rung.size_px[1], rung.size_px[0]))
        if index > 0:
            x = enlarge(x, here, small, colors)
        else:
            x, colors = _begin(scene, here, manner, earlier)
        small = here
        if not stop():
            enlarged = partial(_enlarged, rungs[max(0, index - 1)].size_px, rung.size_px)
            search = _next_search(manner, space, search, enlarged)
            if space.core_px:
                return_freed_memory()
            found = _in_bouts(vgg, here, space, manner, x, rung.steps, search)
            for steps, (step, search) in enumerate(found, start=1):  # noqa: B007 - the next rung learns from it
                x = step.picture
                yield Climbed(index, step.loss, x, step.note)
                if stop() or enough(index, steps):
                    break
        x = here.with_kept(x.clamp_(0, 1) if space.lean else x.clamp(0, 1))
    yield Climbed(len(rungs) - 1, None, x, None)


def _in_bouts(  # noqa: PLR0913, PLR0917 - what climb knows of a rung
    vgg: Vgg, scene: Scene, space: Workspace, manner: Manner, x: Tensor, steps: int, search: Search
) -> Iterator[tuple[Step, Search]]:
    """The steps of a rung, each with the search that took it; tiles, which have little room, get one bout."""
    averaged, mean = 0, None
    shared = [Bout(NO_SHIFT, 1.0, steps)] if space.core_px else bouts(steps)
    for number, (shift, content, count) in enumerate(shared):
        if number > 0 and isinstance(search, Lbfgs):
            search = _next_search(manner, space, search, lambda flat: flat)
        evaluate = seen_shifted(Evaluation(vgg, shifted(holding(scene, content), shift), space), shift)
        for step in descend(x, evaluate, count, search, manner.look_every):
            x = step.picture
            if number == 0:
                yield step, search
                continue
            averaged = min(averaged + 1, AVERAGED_STEPS)
            mean = x if mean is None else mean.lerp(x, 1 / averaged)
            yield step._replace(picture=mean), search


def _next_search(
    manner: Manner, space: Workspace, before: Search | None, enlarged: Callable[[Tensor], Tensor]
) -> Search:
    """A search that knows what the one before has learnt, on the rung below or seen from another place.

    Where there is room for both.
    """
    search = search_for(manner.optimizer, space.history, space.lean)
    if isinstance(search, Lbfgs) and isinstance(before, Lbfgs) and not space.lean:
        search.take_over(before, enlarged)
    return search


def _enlarged(before_px: tuple[int, int], size_px: tuple[int, int], flat: Tensor) -> Tensor:
    """(3 h w,) of a picture of (width, height) -> of one of another size."""
    return resize_to(flat.view(1, 3, *before_px[::-1]), size_px[::-1]).flatten()


def _begin(
    whole: Scene, scene: Scene, manner: Manner, earlier: Earlier | None
) -> tuple[Tensor, list[ColorMap]]:
    """The picture that the search starts from, and what each region's colours go through.

    scene: the whole one, at the size of the first rung.
    """
    device = scene.photo.device
    if manner.start in {"recolored", "draft"}:
        colors = washes(scene)
    else:
        colors = [ColorMap(torch.eye(3).to(device), torch.zeros(3).to(device)) for _ in scene.regions]
    if earlier is not None:
        before = washed(replace(scene, photo=earlier.photo), colors)
        return (earlier.painting + washed(scene, colors) - before).clamp_(0, 1), colors
    if manner.painter is not None:
        return _drafted(whole, scene, manner.painter, manner.seed), colors
    if manner.start == "noise":
        drawn = torch.rand(scene.photo.shape, generator=torch.Generator().manual_seed(manner.seed))
        return scene.with_kept(drawn.to(device)), colors
    return washed(scene, colors), colors


def _drafted(whole: Scene, scene: Scene, painter: Painter, seed: int) -> Tensor:
    """A draft; where more rungs follow, of finer strokes than it would have at this size."""
    if scene.size == whole.size or max(scene.size) >= DRAFTED_PX:
        return draft(painter, scene, seed)
    large = whole.at(fit_within(scene.size, DRAFTED_PX))
    return resize_to(draft(painter, large, seed), scene.size).clamp_(0, 1)


class Evaluation:
    """The loss and gradient on one rung; when memory runs out, the same in smaller tiles."""

    def __init__(self, vgg: Vgg, scene: Scene, space: Workspace) -> None:
        self.vgg, self.scene, self.space = vgg, scene, space
        smaller = (core for core in CORES_PX if core < (space.core_px or max(scene.size)))
        self.cores = [space.core_px, *smaller]
        self.evaluate: LossAndGradient | None = None

    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        while True:
            try:
                self.evaluate = self.evaluate or self._prepared(picture)
                return self.evaluate(picture)
            except RuntimeError as error:
                if not ran_out_of_memory(error) or len(self.cores) == 1:
                    raise
            # Out of the handler, which holds on to the memory of what failed.
            self.evaluate = None
            self.cores.pop(0)

    def _prepared(self, picture: Tensor) -> LossAndGradient:
        core_px = self.cores[0]
        scenes = levels_of(self.scene) if self.space.pyramid else [self.scene]
        wants = [self._wanted(scene, core_px) for scene in scenes]
        while len(wants) > 1 and wants[-1].is_nothing:
            wants.pop()
        gradient_type = torch.bfloat16 if self.space.lean else torch.float32
        levels = [loss_and_gradient(self.vgg, want, gradient_type) for want in wants]
        evaluate = sparing(over_levels(levels), self.scene.kept)
        # Eigenvalues are computed on the processor, which a recording cannot wait for.
        waits = any(region.wishes.objective == "wasserstein" for region in self.scene.regions)
        return recorded(evaluate, picture) if picture.is_cuda and not core_px and not waits else evaluate

    def _wanted(self, scene: Scene, core_px: int | None) -> Wanted:
        layers = {layer for region in scene.regions for layer in layer_weights(region.wishes)}
        reach = halo_px(self.vgg.architecture, {CONTENT_LAYER, *layers})
        tiles = cut(scene.size, core_px, reach) if core_px else ()
        return wanted(self.vgg, scene, tiles, self.space.keep_content)
