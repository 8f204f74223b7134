"""Cuts are found, and nothing else is taken for one."""

import torch
from torch import Tensor

from impasto.methods.shots import changes, shots


def scene(seed: int, shift: int = 0, light: int = 0) -> Tensor:
    """(64, 64) uint8: tones around a level of its own, moved to the side."""
    drawn = torch.rand((8, 8), generator=torch.Generator().manual_seed(seed))
    large = torch.nn.functional.interpolate(drawn[None, None], size=(64, 64), mode="bilinear")[0, 0]
    tones = 20 + 60 * (seed % 3) + 80 * large + light
    return tones.roll(shift, 1).clamp(0, 255).byte()


def ranges(frames: list[Tensor]) -> list[tuple[int, int]]:
    return [(shot.start, shot.stop) for shot in shots(list(changes(frames)))]


def test_cuts_part_the_scenes() -> None:
    frames = (
        [scene(1, n) for n in range(10)] + [scene(2, n) for n in range(7)] + [scene(3, n) for n in range(9)]
    )
    assert ranges(frames) == [(0, 10), (10, 17), (17, 26)]


def test_a_quick_pan_is_no_cut() -> None:
    assert ranges([scene(1, 8 * n) for n in range(20)]) == [(0, 20)]


def test_a_slow_fade_is_no_cut() -> None:
    assert ranges([scene(1, light=4 * n) for n in range(20)]) == [(0, 20)]


def test_few_frames_are_one_shot() -> None:
    assert ranges([scene(1)]) == [(0, 1)]
    assert ranges([scene(1), scene(1)]) == [(0, 2)]
