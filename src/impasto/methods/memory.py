"""How a picture is painted within a bound on memory: in what tiles, and with how much remembered."""

import ctypes
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch

from impasto.errors import ResourceError
from impasto.methods.lbfgs import HISTORY
from impasto.options import Optimizer

OVERHEAD_BYTES: Final = 0.85e9
"""The program, the networks and a style."""
SEEN_BYTES: Final = {torch.float32: 2900, torch.bfloat16: 1750}
"""Of each pixel that the network sees: its features and their gradient. See benchmarks/LOG.md."""
CONTENT_BYTES: Final = {torch.float32: 40, torch.bfloat16: 20}
"""Of each pixel of the photo, to hold its features in relu4_2, at its size and at half of it."""
PICTURES_BYTES: Final = {False: 110, True: 26}
"""Of each pixel, not lean and lean: the photo, the painting, its gradient, and copies of them."""
LEVELS_BYTES: Final = {False: 28, True: 34}
"""Of each pixel: photo, painting and gradient at smaller sizes, and what reducing takes."""
PHOTO_BYTES: Final = 12
MASK_BYTES: Final = 16
"""Of each pixel, for each mask, with what is made of it."""
PAIR_BYTES: Final = {False: 24, True: 12}
LAST_GRADIENT_BYTES: Final = 6
STATE_BYTES: Final[dict[Optimizer, int]] = {"lbfgs": 0, "adam": 48, "sgd": 24}
"""Of each pixel, beside L-BFGS's pairs."""
CORES_PX: Final = (1024, 768, 512, 384, 256)
HALO_PX: Final = 80
"""VGG-19's, in multiples of its stride."""


@dataclass(frozen=True)
class Workspace:
    """How a rung is painted.

    core_px: side of a tile's core; None: the picture is seen whole. history: pairs that L-BFGS remembers.
    lean: photo in float16, gradients and pairs in bfloat16, the painting changed in place.
    keep_content: the photo's features are held instead of computed again for every tile.
    pyramid: the painting is judged at smaller sizes, too.
    """

    core_px: int | None = None
    history: int = HISTORY
    lean: bool = False
    keep_content: bool = True
    pyramid: bool = True


def fit(
    size_px: tuple[int, int],
    dtype: torch.dtype,
    optimizer: Optimizer,
    budget_bytes: float,
    held_bytes: float = 0,
) -> Workspace:
    """The quickest way to paint (width, height) within the budget, of which something else holds a part.

    ResourceError when there is none, with a size that would fit.
    """
    free = budget_bytes - held_bytes - OVERHEAD_BYTES
    found = _fit(size_px[0] * size_px[1], dtype, optimizer, free)
    if found is not None:
        return found
    longest, pixels = max(size_px), size_px[0] * size_px[1]
    fitting = (longest * share / 100 for share in range(99, 0, -1))
    size = next((int(s) for s in fitting if _fit(pixels * (s / longest) ** 2, dtype, optimizer, free)), 0)
    remedy = f"use --size {size} or less" if size >= CORES_PX[-1] else "use --memory 2GB or more"
    raise ResourceError(
        f"painting {size_px[0]} x {size_px[1]} pixels does not fit into "
        f"{budget_bytes / 1e9:.1f} GB of memory; {remedy}"
    )


def _fit(pixels: float, dtype: torch.dtype, optimizer: Optimizer, free: float) -> Workspace | None:
    pairs = HISTORY if optimizer == "lbfgs" else 0
    pictures = (
        PICTURES_BYTES[False] + LEVELS_BYTES[False] + STATE_BYTES[optimizer] + PAIR_BYTES[False] * pairs
    )
    if pixels * (pictures + SEEN_BYTES[dtype]) <= free:
        return Workspace()
    for manner, least, cores in _preferences(optimizer):
        for core_px in cores:
            left = free - SEEN_BYTES[dtype] * (core_px + 2 * HALO_PX) ** 2
            left -= pixels * (
                PICTURES_BYTES[manner.lean]
                + LEVELS_BYTES[manner.lean] * manner.pyramid
                + STATE_BYTES[optimizer]
                + CONTENT_BYTES[dtype] * manner.keep_content
            )
            room = int((left - pixels * LAST_GRADIENT_BYTES) // (pixels * PAIR_BYTES[manner.lean]))
            history = max(0, min(pairs, room))
            if left >= 0 and history >= least:
                return replace(manner, core_px=core_px, history=history)
    return None


def _preferences(optimizer: Optimizer) -> list[tuple[Workspace, int, Sequence[int]]]:
    """How to paint in tiles, the fewest pairs, and the cores to try; the quickest search first.

    Small cores see nearly three times the picture, and only L-BFGS has a lean form.
    """
    if optimizer != "lbfgs":
        return [(Workspace(), 0, CORES_PX), (Workspace(keep_content=False), 0, CORES_PX)]
    leanest = Workspace(lean=True, keep_content=False, pyramid=False)
    return [
        (Workspace(), HISTORY, CORES_PX[:3]),
        (Workspace(lean=True), 4, CORES_PX[:3]),
        (Workspace(lean=True, keep_content=False), 2, CORES_PX),
        (leanest, 2, CORES_PX),
        (leanest, 0, CORES_PX),
    ]


def spaces(
    rungs_px: Sequence[tuple[int, int]],
    dtype: torch.dtype,
    optimizer: Optimizer,
    budget_bytes: float,
    held_bytes: float = 0,
) -> list[Workspace]:
    """The workspace of each rung of (width, height); below the top one, the photo lies beside."""
    beside = held_bytes + PHOTO_BYTES * rungs_px[-1][0] * rungs_px[-1][1]
    top = fit(rungs_px[-1], dtype, optimizer, budget_bytes, held_bytes)
    return [*(fit(size, dtype, optimizer, budget_bytes, beside) for size in rungs_px[:-1]), top]


def keep_freed_memory() -> None:
    """Asks the C library to keep what is freed for what comes next, where it can be asked (glibc).

    Otherwise each step returns hundreds of megabytes to the system and takes them again, page by page,
    which is up to a third of its time. Not for tiles: what is kept has gaps that nothing else fits into, a
    tenth and more beyond the bound, and tiles are no slower without.
    """
    with suppress(OSError, AttributeError):
        never_map, never_trim = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(never_map, 0)
        mallopt(never_trim, 2**31 - 1)


def return_freed_memory() -> None:
    """Gives back to the system what was freed in the gaps of the heap, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_bytes(device: torch.device) -> float:
    """What could be had without swapping; half of all there is, where the system does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    free = [_available_bytes()]
    with suppress(OSError, ValueError):  # a container's bound; "max" is none
        group = Path("/sys/fs/cgroup")
        bound = float((group / "memory.max").read_text())
        free.append(bound - float((group / "memory.current").read_text()))
    return min(free)


def _available_bytes() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    try:
        return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 4e9


def ran_out_of_memory(error: RuntimeError) -> bool:
    """What torch raises then, on the processor and on a GPU."""
    return "allocate" in str(error) or "out of memory" in str(error)
