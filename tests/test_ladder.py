import weakref
from collections.abc import Collection
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impasto.methods import ladder
from impasto.methods.color import ColorMap
from impasto.methods.ladder import LOWER_STEPS, Climbed, Manner, Rung, climb, enlarge, plan
from impasto.methods.memory import Workspace
from impasto.methods.optimize import Search, search_for
from impasto.methods.scene import Region, Scene
from impasto.methods.styles import style_of_painting
from impasto.networks.painter import Painter
from impasto.networks.vgg import POOLED_STRIDE, Vgg
from tests.conftest import tensor


@given(
    width=st.integers(16, 9000),
    height=st.integers(16, 9000),
    longest=st.integers(16, 5000),
    rungs=st.none() | st.integers(1, 8),
    steps=st.none() | st.integers(1, 500),
)
def test_every_plan_ends_at_the_size_asked_for(
    width: int, height: int, longest: int, rungs: int | None, steps: int | None
) -> None:
    ladder = plan((width, height), longest, rungs, steps)
    assert max(ladder[-1].size_px) == min(longest, max(width, height))
    assert all(rung.steps >= 1 for rung in ladder)
    if steps is not None and steps >= 3 ** len(ladder):
        assert sum(rung.steps for rung in ladder) == pytest.approx(steps, abs=len(ladder))
    assert all(min(rung.size_px) >= POOLED_STRIDE for rung in ladder[:-1])
    for below, above in pairwise(ladder):
        assert max(above.size_px) == pytest.approx(2 * max(below.size_px), abs=1)


@pytest.mark.parametrize("longest", [512, 1024, 4096])
def test_more_effort_goes_to_the_top_once_the_lower_rungs_have_enough(longest: int) -> None:
    def work(rungs: list[Rung]) -> float:
        return sum(rung.steps * rung.size_px[0] * rung.size_px[1] for rung in rungs)

    usual, more = (plan((4096, 3072), longest, None, None, effort) for effort in (2, 8))
    assert all(rung.steps <= LOWER_STEPS for rung in more[:-1])
    assert work(more) == pytest.approx(4 * work(usual), rel=0.05)


def test_a_photo_that_is_not_painted_on_is_enlarged_back_to_itself() -> None:
    photo = tensor("photo", 128, 96)
    scene = Scene(photo, [Region(lambda _px: {})])
    small = scene.at((48, 64))
    as_it_is = ColorMap(torch.eye(3), torch.zeros(3))
    torch.testing.assert_close(enlarge(small.photo, scene, small, [as_it_is]), photo, atol=2e-3, rtol=0)


def test_the_loss_falls_on_every_rung_and_the_last_picture_is_whole(vgg: Vgg) -> None:
    photo = tensor("photo", 128, 96)
    style = style_of_painting(vgg, tensor("dots"))
    *steps, last = climb(vgg, Scene(photo, [Region(style)]), plan((128, 96), 128, 2, 16))
    for rung in (0, 1):
        losses = [step.loss for step in steps if step.rung == rung and step.loss is not None]
        assert losses[-1] < losses[0]
    assert last.loss is None
    assert last.picture.shape == photo.shape
    assert 0 <= last.picture.min() <= last.picture.max() <= 1


def test_stopping_on_the_first_rung_still_gives_a_picture_of_full_size(vgg: Vgg) -> None:
    photo = tensor("photo", 128, 96)
    style = style_of_painting(vgg, tensor("dots"))
    scene, seen = Scene(photo, [Region(style)]), list[Climbed]()
    for step in climb(vgg, scene, plan((128, 96), 128, 2, 20), stop=lambda: len(seen) >= 3):
        seen.append(step)
    assert [step.rung for step in seen] == [0, 0, 0, 1]
    assert seen[-1].picture.shape == photo.shape


def test_noise_is_drawn_from_the_seed_alone(vgg: Vgg) -> None:
    photo = tensor("photo", 64, 48)
    style = style_of_painting(vgg, tensor("dots"))

    def painted(seed: int) -> torch.Tensor:
        manner = Manner(start="noise", seed=seed)
        *_, last = climb(vgg, Scene(photo, [Region(style)]), plan((64, 48), 64, 1, 2), manner)
        return last.picture

    assert torch.equal(painted(1), painted(1))
    assert not torch.equal(painted(1), painted(2))


def test_tiles_and_a_lean_search_lead_to_nearly_the_same_picture(vgg: Vgg) -> None:
    photo = tensor("photo", 128, 96)
    style = style_of_painting(vgg, tensor("dots"))

    def painted(space: Workspace, canvas: torch.Tensor, steps: int = 6) -> torch.Tensor:
        rungs = plan((128, 96), 128, 2, steps)
        *_, last = climb(vgg, Scene(canvas, [Region(style)]), rungs, spaces=[space] * 2)
        return last.picture

    few = painted(Workspace(), photo, 3)
    tiled = painted(Workspace(core_px=48), photo, 3)
    assert (tiled - few).abs().mean() < 1e-3 * (few - photo).abs().mean()
    roomy = painted(Workspace(), photo)
    way = (roomy - photo).abs().mean()
    # Rounding grows from step to step: a photo that differs by a millionth leads a tenth of the way apart.
    jolt = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0)) * 1e-6
    apart = (painted(Workspace(), photo + jolt) - roomy).abs().mean()
    assert (painted(Workspace(core_px=48), photo) - roomy).abs().mean() < apart / 4
    assert apart < 0.2 * way
    lean = painted(Workspace(core_px=48, lean=True, keep_content=False), photo.half())
    assert (lean - roomy).abs().mean() < 0.2 * way


@pytest.mark.parametrize("lean", [False, True])
def test_what_a_rung_remembers_is_gone_on_the_next(
    vgg: Vgg, monkeypatch: pytest.MonkeyPatch, lean: bool
) -> None:
    searches = []

    def watched(*arguments: Any) -> Search:
        search = search_for(*arguments)
        searches.append(weakref.ref(search))
        return search

    monkeypatch.setattr(ladder, "search_for", watched)
    scene = Scene(tensor("photo", 128, 96), [Region(style_of_painting(vgg, tensor("dots")))])
    for climbed in climb(vgg, scene, plan((128, 96), 128, 2, 6), spaces=[Workspace(lean=lean)] * 2):
        assert searches[climbed.rung]() is not None
        assert climbed.rung == 0 or searches[0]() is None


def test_a_rung_ends_when_it_is_enough(vgg: Vgg) -> None:
    photo = tensor("photo", 128, 96)
    style = style_of_painting(vgg, tensor("dots"))
    rungs = plan((128, 96), 128, 2, 40)
    *steps, _ = climb(vgg, Scene(photo, [Region(style)]), rungs, enough=lambda rung, taken: taken == 2 + rung)
    assert [step.rung for step in steps] == [0, 0, 1, 1, 1]


def test_when_memory_runs_out_smaller_tiles_are_tried(vgg: Vgg, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at more pixels than `most` fail as torch fails; looks at fewer do not."""
    photo, most, seen = tensor("photo", 640, 416), 400 * 440, []
    forward = vgg.forward

    def bounded(picture: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
        pixels = picture.shape[2] * picture.shape[3]
        seen.append(pixels)
        if pixels > most:
            raise RuntimeError("not enough memory: you tried to allocate 1 bytes")
        return forward(picture, layers)

    style = style_of_painting(vgg, tensor("dots"))
    style(640)
    monkeypatch.setattr(vgg, "forward", bounded)
    *_, last = climb(vgg, Scene(photo, [Region(style)]), plan((640, 416), 640, 1, 1))
    assert last.picture.shape == photo.shape
    assert max(seen) > most >= seen[-1]


@pytest.mark.parametrize(("rungs", "painted_px"), [(2, (128, 96)), (1, (64, 48))])
def test_a_draft_to_be_searched_on_from_is_finer_where_more_rungs_follow(
    monkeypatch: pytest.MonkeyPatch, vgg: Vgg, rungs: int, painted_px: tuple[int, int]
) -> None:
    monkeypatch.setattr(ladder, "DRAFTED_PX", 128)
    drafted = list[tuple[int, int]]()

    def draft(_painter: Painter, scene: Scene, _seed: int) -> torch.Tensor:
        drafted.append((scene.size[1], scene.size[0]))
        return scene.photo

    monkeypatch.setattr(ladder, "draft", draft)
    scene = Scene(tensor("photo", 64, 48), [Region(style_of_painting(vgg, tensor("dots", 64, 48)))])
    steps = [Rung((64 >> below, 48 >> below), 1) for below in reversed(range(rungs))]
    *_, last = climb(vgg, scene, steps, Manner(start="draft", painter=Painter()))
    assert drafted == [painted_px]
    assert last.picture.shape == scene.photo.shape
