"""How a picture is painted within a bound on memory: in what tiles, and with how much remembered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from impasto.errors import ResourceError
from impasto.methods.lbfgs import HISTORY
from impasto.options import Optimizer

OVERHEAD_BYTES: Final = 0.55e9
"""The program, the networks and a style."""
SEEN_BYTES: Final = {torch.float32: 2900, torch.bfloat16: 1750}
"""Of each pixel that the network sees: its features and their gradient. See benchmarks/LOG.md."""
CONTENT_BYTES: Final = {torch.float32: 32, torch.bfloat16: 16}
"""Of each pixel of the photo, to hold its features in relu4_2."""
PICTURES_BYTES: Final = {False: 110, True: 26}
"""Of each pixel, not lean and lean: the photo, the painting, its gradient, and copies of them."""
PHOTO_BYTES: Final = 12
PAIR_BYTES: Final = {False: 24, True: 12}
LAST_GRADIENT_BYTES: Final = 6
CORES_PX: Final = (1024, 768, 512, 384, 256)
HALO_PX: Final = 80


@dataclass(frozen=True)
class Workspace:
    """How a rung is painted.

    core_px: side of a tile's core; None: the picture is seen whole. history: pairs that L-BFGS remembers.
    lean: photo in float16, gradients and pairs in bfloat16, the painting changed in place.
    keep_content: the photo's features are held instead of computed again for every tile.
    """

    core_px: int | None = None
    history: int = HISTORY
    lean: bool = False
    keep_content: bool = True


def fit(size_px: tuple[int, int], dtype: torch.dtype, optimizer: Optimizer, budget_bytes: float) -> Workspace:
    """The quickest way to paint (width, height) within the budget.

    ResourceError when there is none, with a size that would fit.
    """
    free = budget_bytes - OVERHEAD_BYTES
    pixels = size_px[0] * size_px[1]
    if pixels * (PICTURES_BYTES[False] + PAIR_BYTES[False] * HISTORY + SEEN_BYTES[dtype]) <= free:
        return Workspace()
    for lean, keep_content, least_history in ((False, True, HISTORY), (True, True, 4), (True, False, 0)):
        if lean and optimizer != "lbfgs":
            break
        for core_px in CORES_PX:
            left = free - SEEN_BYTES[dtype] * (core_px + 2 * HALO_PX) ** 2
            left -= pixels * (PICTURES_BYTES[lean] + CONTENT_BYTES[dtype] * keep_content)
            pairs = min(HISTORY, int((left - pixels * LAST_GRADIENT_BYTES) // (pixels * PAIR_BYTES[lean])))
            if left >= 0 and max(0, pairs) >= least_history:
                return Workspace(core_px, max(0, pairs), lean, keep_content)
    smallest = SEEN_BYTES[dtype] * (CORES_PX[-1] + 2 * HALO_PX) ** 2
    fitting = max(0.0, free - smallest) / (PICTURES_BYTES[optimizer == "lbfgs"] * pixels)
    longest = int(max(size_px) * fitting**0.5)
    remedy = f"use --size {longest} or less" if longest >= CORES_PX[-1] else "give it more"
    raise ResourceError(
        f"painting {size_px[0]} x {size_px[1]} pixels does not fit into "
        f"{budget_bytes / 1e9:.1f} GB of memory; "
        f"{remedy}"
    )


def spaces(
    rungs_px: Sequence[tuple[int, int]], dtype: torch.dtype, optimizer: Optimizer, budget_bytes: float
) -> list[Workspace]:
    """The workspace of each rung of (width, height); below the top one, the photo lies beside."""
    photo_bytes = PHOTO_BYTES * rungs_px[-1][0] * rungs_px[-1][1]
    top = fit(rungs_px[-1], dtype, optimizer, budget_bytes)
    return [*(fit(size, dtype, optimizer, budget_bytes - photo_bytes) for size in rungs_px[:-1]), top]


def free_bytes(device: torch.device) -> float:
    """What could be had without swapping; 4 GB where the system does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 4e9


def ran_out_of_memory(error: RuntimeError) -> bool:
    """What torch raises then, on the processor and on a GPU."""
    return "allocate" in str(error) or "out of memory" in str(error)
