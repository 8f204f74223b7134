"""What is to be painted: a photo, the styles of its regions, and what should stay as photographed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.styles import StyleAt, resize_to
from impasto.methods.tiles import Guide
from impasto.options import Objective


@dataclass(frozen=True)
class Wishes:
    """What the user's knobs say. strength in [0, 1]; content, style and layers multiply default weights.

    Up to a strength of a half the picture should have a mixture of the photo's own statistics and the
    style's, so that none is the photo itself; from there on the photo is let go.
    """

    objective: Objective = "moments"
    strength: float = 0.5
    content: float = 1.0
    style: float = 1.0
    smoothness: float = 0.0
    layers: Mapping[str, float] = field(default_factory=dict)
    """Layer of the style, such as "3_1" -> its weight, in place of 1, or of 0 for those usually not asked."""

    @property
    def style_share(self) -> float:
        """How much of the wanted statistics is the style's: all of it from strength 0.5 on."""
        return min(1.0, 2 * self.strength)

    @property
    def content_share(self) -> float:
        """Multiplies the weight of content: 1 up to strength 0.5, none at 1."""
        share: float = min(1.0, (1 - self.strength) / max(self.strength, 1e-6)) ** 1.5
        return self.content * share


@dataclass(frozen=True)
class Region:
    """A part of the picture with a style of its own; mask (h, w) in [0, 1], None: all of it.

    tuning: what the painter learnt of this style alone, see `networks.painter`; None: nothing.
    """

    style: StyleAt
    wishes: Wishes = Wishes()
    mask: Tensor | None = None
    tuning: Tensor | None = None

    @cached_property
    def guide(self) -> Guide | None:
        return None if self.mask is None else Guide(self.mask)


@dataclass(frozen=True)
class Scene:
    """photo (1, 3, h, w) in [0, 1]. The masks of the regions and of what is kept sum to 1 at every pixel.

    kept (h, w) in [0, 1]: what stays as photographed; None: nothing.
    """

    photo: Tensor
    regions: Sequence[Region]
    kept: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.photo.shape[2], self.photo.shape[3]

    @property
    def published(self) -> bool:
        """Whether the objective is the paper's own, with weights that stay as they were published."""
        return self.regions[0].wishes.objective == "gatys"

    def at(self, size: tuple[int, int]) -> "Scene":
        """The scene at another (height, width), in float32; itself at its own."""
        if size == self.size:
            return self
        channels = [resize_to(self.photo[:, channel : channel + 1].float(), size) for channel in range(3)]
        return self.over(torch.cat(channels, dim=1).clamp_(0, 1), partial(_mask_at, size=size))

    def over(self, photo: Tensor, of_mask: Callable[[Tensor], Tensor]) -> "Scene":
        """The scene with another photo, and what is made of each mask to lie over it."""

        def there(mask: Tensor | None) -> Tensor | None:
            return None if mask is None else of_mask(mask)

        regions = [replace(one, mask=there(one.mask)) for one in self.regions]
        return Scene(photo, regions, there(self.kept))

    def weighed(self, style: float = 1.0, content: float = 1.0, smoothness: float = 1.0) -> "Scene":
        """The scene with what each of its regions wishes for multiplied."""

        def more(wishes: Wishes) -> Wishes:
            return replace(
                wishes,
                style=style * wishes.style,
                content=content * wishes.content,
                smoothness=smoothness * wishes.smoothness,
            )

        return replace(self, regions=[replace(one, wishes=more(one.wishes)) for one in self.regions])

    def with_kept(self, painting: Tensor) -> Tensor:
        """(1, 3, h, w), changed in place: the painting, with the photo where that is kept."""
        return painting if self.kept is None else painting.add_(self.kept * (self.photo - painting))


def scene_of(
    photo: Tensor,
    base: Callable[[Tensor | None], Region],
    above: Sequence[Region] = (),
    kept: Tensor | None = None,
) -> Scene:
    """The scene of a base that lies under regions, the later ones on top, and under what is kept.

    base: the region from its mask; None when nothing lies on it.
    """
    masks = [*(one.mask for one in above if one.mask is not None), *([] if kept is None else [kept])]
    if not masks:
        return Scene(photo, [base(None)])
    left, shown = torch.ones_like(masks[0]), list[Tensor]()
    for mask in reversed(masks):
        shown.insert(0, left * mask)
        left = left * (1 - mask)
    regions = [replace(one, mask=mask) for one, mask in zip(above, shown, strict=False)]
    return Scene(photo, [base(left), *regions], None if kept is None else shown[-1])


def _mask_at(mask: Tensor, size: tuple[int, int]) -> Tensor:
    smaller = F.interpolate(mask[None, None].float(), size=size, mode="bilinear", antialias=True)
    return smaller[0, 0].to(mask.dtype)
