"""Where to compute, and in which numbers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from impasto.errors import ResourceError
from impasto.options import Device, Precision

WORTH_IT: Final = 1.2
"""How many times faster bfloat16 must be before its coarser features are worth it."""


def choose_device(choice: Device) -> torch.device:
    """ResourceError when the device that was asked for is not there."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    name = next(name for name, there in present.items() if there) if choice == "auto" else choice
    if not present[name]:
        raise ResourceError(f"there is no {name} device on this machine; use --device auto or --device cpu")
    if name == "cuda":
        torch.backends.cudnn.allow_tf32 = False  # float32 is what was asked for; bfloat16 is quicker still
    return torch.device(name)


def choose_precision(choice: Precision, device: torch.device) -> torch.dtype:
    """The numbers that features are computed in; auto times a convolution in both."""
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if device.type == "mps":
        return torch.float32
    if device.type == "cuda":  # from Ampere on, GPUs multiply bfloat16 many times faster
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32
    seconds = convolution_seconds(device)
    return torch.bfloat16 if seconds[torch.float32] > WORTH_IT * seconds[torch.bfloat16] else torch.float32


def convolution_seconds(device: torch.device) -> dict[torch.dtype, float]:
    """What a convolution takes in float32 and in bfloat16, the best of five.

    The processor's time of one thread is taken, so that a busy machine does not choose otherwise.
    """
    seconds = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    for _ in range(5):
        for dtype, best in seconds.items():
            seconds[dtype] = min(best, _convolution_seconds(dtype, device))
    return seconds


@contextmanager
def one_thread() -> Iterator[None]:
    """The processor computes on this thread alone for a while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _convolution_seconds(dtype: torch.dtype, device: torch.device) -> float:
    x = torch.ones((1, 128, 64, 64), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.ones((128, 128, 3, 3), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    with torch.inference_mode(), one_thread():
        start = clock()
        torch.nn.functional.conv2d(x, weight, padding=1).sum().item()
        return clock() - start
