"""Where to compute, and in which numbers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from impasto.errors import ResourceError
from impasto.options import Device, Precision

WORTH_IT: Final = 1.2
"""How many times faster bfloat16 must be before its coarser features are worth it."""
BYTES_PER_PIXEL: Final = {torch.float32: 3400, torch.bfloat16: 2200}
"""Peak memory per pixel of the picture: a step's features and 20 pairs of L-BFGS; see benchmarks/LOG.md."""
OVERHEAD_BYTES: Final = 500e6


def choose_device(choice: Device) -> torch.device:
    """ResourceError when the device that was asked for is not there."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if choice == "auto":
        return torch.device(next(name for name, there in present.items() if there))
    if not present[choice]:
        raise ResourceError(f"there is no {choice} device on this machine; use --device auto or --device cpu")
    return torch.device(choice)


def choose_precision(choice: Precision, device: torch.device) -> torch.dtype:
    """The numbers that features are computed in; auto times a convolution in both.

    The processor's time of one thread is taken, so that a busy machine does not choose otherwise.
    """
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if device.type == "mps":
        return torch.float32
    seconds = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    for _ in range(5):
        for dtype, best in seconds.items():
            seconds[dtype] = min(best, _convolution_seconds(dtype, device))
    return torch.bfloat16 if seconds[torch.float32] > WORTH_IT * seconds[torch.bfloat16] else torch.float32


@contextmanager
def one_thread() -> Iterator[None]:
    """The processor computes on this thread alone for a while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def check_memory(size_px: tuple[int, int], dtype: torch.dtype, device: torch.device) -> None:
    """ResourceError when a picture of (width, height) would not fit into the memory that is free."""
    width, height = size_px
    needed = width * height * BYTES_PER_PIXEL[dtype] + OVERHEAD_BYTES
    free = _free_bytes(device)
    if free is not None and needed > free:
        fitting = int(max(size_px) * max(0.0, (free - OVERHEAD_BYTES) / (needed - OVERHEAD_BYTES)) ** 0.5)
        remedy = f"use --size {fitting} or less" if fitting >= 64 else "close other programs"
        raise ResourceError(
            f"painting {width} x {height} pixels takes about {needed / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free; {remedy}"
        )


def _convolution_seconds(dtype: torch.dtype, device: torch.device) -> float:
    x = torch.ones((1, 128, 64, 64), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.ones((128, 128, 3, 3), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    with torch.inference_mode(), one_thread():
        start = clock()
        torch.nn.functional.conv2d(x, weight, padding=1).sum().item()
        return clock() - start


def _free_bytes(device: torch.device) -> float | None:
    """What could be had without swapping; None where the system does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
