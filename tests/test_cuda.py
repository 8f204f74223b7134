"""What a GPU paints and learns is what the processor does, quicker. Skipped where there is none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from PIL import Image

import impasto
from impasto.methods.devices import choose_device
from impasto.methods.fast import paint
from impasto.methods.graphs import recorded, recorded_loss
from impasto.methods.ladder import Rung, climb
from impasto.methods.memory import Workspace
from impasto.methods.objective import loss_and_gradient, wanted
from impasto.methods.painter_lessons import Materials, Weights, lesson_loss, lesson_of, materials
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import style_of_painting
from impasto.networks.painter import Painter
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg, bordered_channels_last, set_compute_type
from impasto.networks.weights import load_vgg
from impasto.options import Objective, TrainPainterOptions
from impasto.tasks import TrainPainterTask
from impasto.train_painter import train_painter
from tests.conftest import drawn, tensor

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

SIZE = (192, 128)


@pytest.fixture(scope="module")
def seeing() -> Vgg:
    return set_compute_type(load_vgg().to(choose_device("cuda")), torch.float32)


def scene(vgg: Vgg, objective: Objective = "moments") -> Scene:
    device = vgg.mean.device
    style = style_of_painting(vgg, tensor("dots", *SIZE).to(device))
    return Scene(tensor("photo", *SIZE).to(device), [Region(style, Wishes(objective))])


@pytest.mark.parametrize("objective", ["moments", "gram", "wasserstein"])
def test_loss_and_gradient_are_those_of_the_processor(seeing: Vgg, vgg: Vgg, objective: Objective) -> None:
    there, here = scene(seeing, objective), scene(vgg, objective)
    loss, gradient = loss_and_gradient(seeing, wanted(seeing, there))(there.photo)
    loss_here, gradient_here = loss_and_gradient(vgg, wanted(vgg, here))(here.photo)
    assert loss.item() == pytest.approx(loss_here.item(), rel=2e-3)
    assert (gradient.cpu() - gradient_here).norm() < 1e-2 * gradient_here.norm()


def test_what_is_recorded_is_played_for_other_pictures(seeing: Vgg) -> None:
    here = scene(seeing)
    plain = loss_and_gradient(seeing, wanted(seeing, here))
    played = recorded(plain, here.photo)
    for picture in (here.photo, here.photo.flip(3), 0.5 * here.photo):
        loss, gradient = played(picture)
        wanted_loss, wanted_gradient = plain(picture)
        assert loss.item() == pytest.approx(wanted_loss.item(), rel=1e-4)
        assert (gradient - wanted_gradient).norm() < 1e-3 * wanted_gradient.norm()


@pytest.mark.parametrize("objective", ["moments", "wasserstein"])
def test_a_painting_is_as_near_as_the_processors(seeing: Vgg, vgg: Vgg, objective: Objective) -> None:
    """Paths part by rounding; how near they come to the style does not."""
    rungs = [Rung((96, 64), 8), Rung(SIZE, 8)]

    def lost(network: Vgg) -> float:
        return [step.loss for step in climb(network, scene(network, objective), rungs)][-2] or 0.0

    assert lost(seeing) == pytest.approx(lost(vgg), rel=0.1)


def test_tiles_are_seen_as_the_whole(seeing: Vgg) -> None:
    rungs = [Rung(SIZE, 4)]
    *_, whole = climb(seeing, scene(seeing), rungs)
    *_, tiled = climb(seeing, scene(seeing), rungs, spaces=[Workspace(core_px=64)])
    assert (whole.picture - tiled.picture).abs().mean() < 2e-3


def test_when_memory_runs_out_smaller_tiles_are_seen(seeing: Vgg) -> None:
    photo = tensor("photo", 1280, 1024).cuda()
    here = replace(scene(seeing), photo=photo)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 2e9) / total)
    try:
        *_, last = climb(seeing, here, [Rung((1280, 1024), 2)])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert last.picture.isfinite().all()
    assert (last.picture - photo).abs().mean() > 0.01


@pytest.mark.parametrize("size", [512, 2048])
def test_a_bound_on_memory_is_kept(picture_file: Callable[..., Path], size: int) -> None:
    photo = picture_file("photo", size=(size, size * 3 // 4))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    result = impasto.stylize(photo, "starry-night", size=size, memory="2.5GB", steps=6, device="cuda")
    assert torch.cuda.max_memory_allocated() - before < 2.5e9
    assert result.rgb.std() > 0.05


def test_drafts_are_those_of_the_processor(seeing: Vgg, vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter().eval()
    torch.nn.init.normal_(painter.colors.weight, std=0.1)
    here, there = (
        paint(painter.to(one.mean.device), scene(one).photo, scene(one).regions[0].style(max(SIZE))).cpu()
        for one in (vgg, seeing)
    )
    assert here.std() > 0.02
    assert (there - here).abs().max() < 1e-2


def test_a_training_on_a_gpu_is_taken_up_again(tmp_path: Path) -> None:
    for folder, kind in (("photos", "photo"), ("paintings", "dots")):
        (tmp_path / folder).mkdir()
        for number in range(14):
            Image.fromarray(drawn(kind, 60, 40 + number)).save(tmp_path / folder / f"{number}.png")
    options = TrainPainterOptions(steps=4, batch=2, size=32, device="cuda")
    task = TrainPainterTask(
        photos=tmp_path / "photos", paintings=tmp_path / "paintings", output=tmp_path / "out", options=options
    )
    first = next(train_painter(task, stop=lambda: True))
    assert [event.done for event in (first, *train_painter(task))] == [1, 2, 3, 4]
    load_painter(tmp_path / "out/painter.safetensors")


def test_a_recorded_loss_teaches_what_the_plain_one_does(seeing: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter().cuda()
    torch.nn.init.normal_(painter.colors.weight, std=0.1)
    parameters = list(painter.parameters())
    photos, paintings = (
        tensor(kind, 64, 64).mul(255).to(torch.uint8).repeat(2, 1, 1, 1) for kind in ("photo", "dots")
    )
    first, second = ([one.cuda() for one in materials(photos, paintings, seed)] for seed in (0, 1))

    def loss_of(given: Sequence[torch.Tensor]) -> torch.Tensor:
        lesson = lesson_of(seeing, Materials(*given))
        return lesson_loss(painter, seeing, lesson, Weights(0.3, 0.1, 0.5), torch.float32)

    played = recorded_loss(loss_of, first, parameters)
    for given in (second, first):
        losses, gradients = [], []
        for one in (loss_of, played):
            losses.append(one(given))
            found = torch.autograd.grad(2 * losses[-1], parameters)
            gradients.append(torch.cat([gradient.flatten() for gradient in found]))
        assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-4)
        assert (gradients[1] - gradients[0]).norm() < 1e-2 * gradients[0].norm()


@pytest.mark.parametrize(("below", "right"), [(1, 1), (0, 1), (1, 0)])
def test_borders_are_those_of_the_processor(below: int, right: int) -> None:
    features = torch.rand(2, 3, 5, 7)
    there = bordered_channels_last(features.cuda(), below, right)
    assert torch.equal(there.cpu(), F.pad(features, (1, right, 1, below), mode="replicate"))
    assert there.is_contiguous(memory_format=torch.channels_last)
