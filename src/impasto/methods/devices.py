"""Where to compute, and in which numbers."""

import os
import time
from typing import Final, Literal

import torch

from impasto.errors import ResourceError

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
PrecisionChoice = Literal["auto", "float32", "bfloat16"]

WORTH_IT: Final = 1.2
"""How many times faster bfloat16 must be before its coarser features are worth it."""
BYTES_PER_PIXEL: Final = {torch.float32: 4600, torch.bfloat16: 2900}
"""Peak memory of a step per pixel of the picture, features kept for the gradient included; measured."""


def choose_device(choice: DeviceChoice) -> torch.device:
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


def choose_precision(choice: PrecisionChoice, device: torch.device) -> torch.dtype:
    """The numbers that features are computed in; auto times a convolution in both, in 0.1 s or so."""
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if device.type == "mps":
        return torch.float32
    gain = _convolution_seconds(torch.float32, device) / _convolution_seconds(torch.bfloat16, device)
    return torch.bfloat16 if gain > WORTH_IT else torch.float32


def check_memory(size_px: tuple[int, int], dtype: torch.dtype, device: torch.device) -> None:
    """ResourceError when a picture of (width, height) would not fit into the memory that is free."""
    width, height = size_px
    needed = width * height * BYTES_PER_PIXEL[dtype] + 300e6
    free = _free_bytes(device)
    if free is not None and needed > free:
        fitting = int(max(size_px) * max(0.0, (free - 300e6) / (needed - 300e6)) ** 0.5 * 0.98) // 16 * 16
        raise ResourceError(
            f"painting {width} x {height} pixels takes about {needed / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free; use --size {max(16, fitting)} or less"
        )


def _convolution_seconds(dtype: torch.dtype, device: torch.device) -> float:
    x = torch.ones((1, 128, 64, 64), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.ones((128, 128, 3, 3), device=device, dtype=dtype).to(memory_format=torch.channels_last)
    seconds = []
    with torch.inference_mode():
        for _ in range(5):
            start = time.perf_counter()
            torch.nn.functional.conv2d(x, weight, padding=1).sum().item()
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def _free_bytes(device: torch.device) -> float | None:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        return None
