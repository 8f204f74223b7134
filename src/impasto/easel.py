"""The easel: a photo, styles and masks set up for painting, and the plan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.errors import OptionError
from impasto.masks import mask_for
from impasto.media.picture import Picture
from impasto.methods.finish import Finish, recolored_before
from impasto.methods.ladder import Manner, Rung, plan
from impasto.methods.memory import MASK_BYTES, Workspace, free_bytes, keep_freed_memory, spaces
from impasto.methods.scene import Region, Scene, Wishes, scene_of
from impasto.methods.styles import blend, scaled
from impasto.networks.painter import Painter
from impasto.options import Quality, Start, StylizeOptions
from impasto.studio import Network, Studio
from impasto.stylebook import Loaded, load_style
from impasto.tasks import RegionChoice, StylizeTask

EFFORTS: Final[dict[Quality, float]] = {"draft": 1 / 3, "good": 1.0, "best": 4.0}
LOOK_EVERY: Final = 5
"""Steps on a GPU between looks at the loss: it works ahead meanwhile."""
MOST_EFFORT: Final = 1000.0
"""More steps than any clock allows for."""
DRAFT_STEPS: Final = 0.5
"""About what a draft takes, in steps of its size, and some more."""
HURRIED_STEPS: Final = 2
"""What a search from a draft needs at least to be worth its time."""
HURRIED_CONTENT: Final = 4.0
"""Multiplies the weight of content then: a draft, unlike a photo, is as far from the photo as a painting."""


@dataclass(frozen=True)
class Easel:
    """All that painting takes; the task says what was settled on."""

    task: StylizeTask
    network: Network
    scene: Scene
    rungs: list[Rung]
    spaces: list[Workspace]
    painter: Painter | None = None

    @property
    def manner(self) -> Manner:
        """How to search for the painting."""
        options = self.task.options
        start: Start = "recolored" if options.color_only else "draft" if self.painter else options.start
        look_every = 1 if self.network.device.type == "cpu" else LOOK_EVERY
        return Manner(options.optimizer, start, options.seed, look_every, self.painter)

    def before(self, photo: Picture) -> "Easel":
        """The same easel with another photo of the same size on it."""
        canvas = to_tensor(photo.rgb).to(self.scene.photo)
        return replace(self, scene=replace(self.scene, photo=canvas))

    @property
    def is_draft(self) -> bool:
        """Whether the painter paints alone."""
        return self.painter is not None and not any(rung.steps for rung in self.rungs)

    @property
    def is_plain(self) -> bool:
        """Whether a painting is finished as it is."""
        return self._finish.is_plain and self.scene.kept is None

    def finished(self, painting: Tensor) -> Tensor:
        """The painting in its final colours, with what is protected as it was; changed in place."""
        if self.is_plain:
            return painting
        scene = self.scene.at((painting.shape[2], painting.shape[3]))
        return scene.with_kept(self._finish(painting, scene.photo))

    def hurried(self, painter: Painter, *, searched: bool) -> "Easel":
        """The same easel for a time that is too short for the ladder: a draft.

        searched: from there the search goes on, at full size.
        """
        task, scene, rungs = self.task, self.scene, self.rungs[-1:]
        settled: dict[str, Any] = {"quality": "draft", "time": None}
        if searched:
            scene = scene.weighed(content=HURRIED_CONTENT)
            content = HURRIED_CONTENT * task.options.content_weight
            settled = {"start": "draft", "rungs": 1, "content_weight": content}
            regions = tuple(_holding_more(region) for region in task.regions)
            task = task.model_copy(update={"regions": regions})
        else:
            rungs = [Rung(rungs[0].size_px, 0)]
        task = task.model_copy(update={"options": task.options.model_copy(update=settled)})
        return replace(self, task=task, scene=scene, rungs=rungs, spaces=self.spaces[-1:], painter=painter)

    @property
    def may_hurry(self) -> bool:
        """Whether a draft may take the ladder's place; not where the ladder or its start are asked for."""
        options = self.task.options
        asked = options.start != "recolored" or options.rungs is not None or options.quality == "draft"
        return _knows_draft(options) and not options.color_only and not asked

    @property
    def _finish(self) -> Finish:
        options = self.task.options
        return Finish(options.keep_colors, options.keep_colors_by, options.saturation)


def set_up(
    task: StylizeTask, photo: Picture, studio: Studio, steps: Sequence[int] | None, beside_bytes: float = 0
) -> Easel:
    """Network, styles, masks and plan for a photo; errors as `run` has them.

    beside_bytes: what else takes memory while it is painted.
    """
    options, size_px = task.options, photo.size_px
    network = studio.network(options)
    settled: dict[str, Any] = {
        "device": network.device.type,
        "precision": str(network.dtype).removeprefix("torch."),
        "size": max(size_px),
    }
    styles = _styles(task, photo, network, studio)
    masks = [mask_for(one, photo, options.max_pixels) for one in task.masks]
    painter = studio.painter(network) if _has_draft(options) else None
    rungs = _rungs(options, size_px, steps, drafted=painter is not None)
    memory = 0.9 * free_bytes(network.device) if options.memory is None else float(options.memory)
    held_bytes = beside_bytes + sum(style.held_bytes for style in styles)
    held_bytes += MASK_BYTES * len(masks) * size_px[0] * size_px[1]
    rooms = [Workspace()] * len(rungs)
    if options.strength > 0:
        rooms = spaces([rung.size_px for rung in rungs], network.dtype, options.optimizer, memory, held_bytes)
    if any(room != Workspace() for room in rooms):
        settled["memory"] = memory  # with more or less of it, a rerun would differ
    if all(room.core_px is None for room in rooms):
        keep_freed_memory()
    held_in = torch.float16 if rooms[-1].lean else torch.float32
    canvas = to_tensor(photo.rgb).to(network.device, held_in)
    return Easel(
        task.model_copy(update={"options": options.model_copy(update=settled)}),
        network,
        _scene(task, canvas, styles, [mask.to(canvas) for mask in masks]),
        rungs,
        rooms,
        painter,
    )


def _styles(task: StylizeTask, photo: Picture, network: Network, studio: Studio) -> list[Loaded]:
    """Those of the task's sources; their colours brought to the photo's, if that is asked for."""
    options = task.options
    longest_px = round(options.style_scale * max(photo.size_px))
    if options.keep_colors > 0 and options.keep_colors_by == "before":
        recolored = partial(
            recolored_before, photo=to_tensor(photo.rgb).to(network.device), keep=options.keep_colors
        )
        return [
            load_style(source, network.vgg, network.weights, longest_px, options.max_pixels, recolored)
            for source in task.sources
        ]
    return [studio.style(source, network, longest_px, options.max_pixels) for source in task.sources]


def _has_draft(options: StylizeOptions) -> bool:
    """Whether the painter paints first; OptionError where it should, but does not know the network."""
    if options.start == "draft" and not _knows_draft(options):
        raise OptionError("a draft knows only the bundled vgg16; use --start recolored")
    wanted = options.start == "draft" or options.quality == "draft"
    return wanted and _knows_draft(options) and not options.color_only


def _knows_draft(options: StylizeOptions) -> bool:
    return options.backbone == "vgg16" and options.weights is None


def _rungs(
    options: StylizeOptions, size_px: tuple[int, int], steps: Sequence[int] | None, *, drafted: bool
) -> list[Rung]:
    """steps: on each rung, as a recipe tells; OptionError when it tells of other rungs."""
    by_hand = options.time or options.steps or options.rungs
    if options.color_only or (drafted and options.quality == "draft" and not by_hand):
        return [Rung(size_px, 0)]
    effort = MOST_EFFORT if options.time else EFFORTS[options.quality]
    rungs = plan(size_px, options.size, options.rungs, options.steps, effort)
    if steps is None:
        return rungs
    if len(steps) != len(rungs):
        raise OptionError(f"the recipe has steps for {len(steps)} rungs, not {len(rungs)}; paint anew")
    return [rung._replace(steps=count) for rung, count in zip(rungs, steps, strict=True)]


def _scene(task: StylizeTask, canvas: Tensor, styles: Sequence[Loaded], masks: Sequence[Tensor]) -> Scene:
    """The photo with the styles and masks of the task, both in its order."""
    options = task.options
    at = [scaled(style.at, options.style_scale) for style in styles]
    wishes = Wishes(
        options.objective,
        options.strength,
        options.content_weight,
        options.style_weight,
        options.smoothness,
        options.weight_of_layer,
    )
    below = len(task.styles)
    shares = [choice.weight for choice in task.styles]
    base = partial(Region, blend(at[:below], shares), wishes, tuning=_blended_tuning(styles, shares))
    above = [
        Region(here, _wishes_of(region, wishes), mask, style.tuning)
        for region, here, style, mask in zip(task.regions, at[below:], styles[below:], masks, strict=False)
    ]
    return scene_of(canvas, base, above, _union(masks[len(above) :]))


def _blended_tuning(styles: Sequence[Loaded], shares: Sequence[float]) -> Tensor | None:
    """Of a blend of the first styles; one that the painter was not taught has nothing to add."""
    parts = [
        share / sum(shares) * style.tuning
        for style, share in zip(styles, shares, strict=False)
        if style.tuning is not None
    ]
    return torch.stack(parts).sum(0) if parts else None


def _wishes_of(region: RegionChoice, wishes: Wishes) -> Wishes:
    return replace(
        wishes,
        strength=wishes.strength if region.strength is None else region.strength,
        content=wishes.content if region.content_weight is None else region.content_weight,
    )


def _holding_more(region: RegionChoice) -> RegionChoice:
    if region.content_weight is None:
        return region
    return region.model_copy(update={"content_weight": HURRIED_CONTENT * region.content_weight})


def _union(masks: Sequence[Tensor]) -> Tensor | None:
    return torch.stack(list(masks)).amax(0) if masks else None
