"""impasto doctor: whether all that a painting needs is here, and works."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
import torch

from impasto.errors import ImpastoError
from impasto.media.cards import read_card
from impasto.media.gallery import builtin_styles
from impasto.media.picture import SUFFIXES, Picture, read_picture, write_picture
from impasto.methods.devices import WORTH_IT, choose_device, choose_precision, convolution_seconds
from impasto.methods.memory import fit, free_bytes
from impasto.networks.fetch import MODELS, data_folder, model_path, verify_model
from impasto.networks.weights import vgg_weights
from impasto.options import StylizeOptions
from impasto.run import run
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask

Verdict = Literal["well", "ill"]

FEATURES: Final = {
    "avx2": "AVX2",
    "avx512_f": "AVX-512",
    "avx512_bf16": "AVX-512 bf16",
    "amx_bf16": "AMX bf16",
    "neon": "NEON",
    "sve": "SVE",
}
"""Of processors, by the names that torch has for them: what makes convolutions quick."""
USUAL_PX: Final = (512, 512)
SELF_TEST: Final = StylizeOptions(size=96, steps=20)
SELF_TEST_S: Final = 5.0
FALLS_TO: Final = 0.7
"""The share of its first loss that the self-test's last one stays below; it reaches a third of that."""
CODEC_ERROR: Final = 0.1
"""No lossy format is further off, mean over a smooth picture."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, in words and as facts for a program; facts are JSON."""

    subject: str
    verdict: Verdict
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


def examine() -> Iterator[Finding]:
    """Looks at everything in turn, in a few seconds. What fails is a finding, never an error."""
    checks: dict[str, Callable[[], Finding]] = {
        "versions": _versions,
        "processor": _processor,
        "devices": _devices,
        "precision": _precision,
        "memory": _memory,
        "formats": _formats,
        "networks": _networks,
        "styles": _styles,
        "self-test": _self_test,
    }
    for subject, check in checks.items():
        try:
            yield check()
        except ImpastoError as error:
            yield Finding(subject, "ill", str(error))
        except Exception as error:  # noqa: BLE001 - whatever is ill must not keep us from the rest
            yield Finding(subject, "ill", f"{type(error).__name__}: {error}")


def _versions() -> Finding:
    found = {name: version(name) for name in ("impasto", "torch", "numpy", "pillow")}
    found["python"] = platform.python_version()
    told = ", ".join(f"{name} {number}" for name, number in found.items())
    return Finding("versions", "well", f"{told}, {platform.system()} {platform.machine()}", found)


def _processor() -> Finding:
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # new in torch 2.9
    features = {name: bool(capabilities[name]) for name in FEATURES if name in capabilities}
    here = [FEATURES[name] for name, there in features.items() if there]
    missing = [FEATURES[name] for name, there in features.items() if not there]
    name = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    lacks = f"; no {', '.join(missing)}" if missing else ""
    return Finding(
        "processor",
        "well",
        f"{name}, {os.cpu_count()} cores, {threads} used: {', '.join(here) or 'features unknown'}{lacks}",
        {"name": name, "cores": os.cpu_count(), "threads": threads, "features": features},
    )


def _devices() -> Finding:
    chosen = choose_device("auto").type
    found = ["cpu"]
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index} {about.name}, {about.total_memory / 1e9:.1f} GB")
    if torch.backends.mps.is_available():
        found.append("mps")
    return Finding(
        "devices", "well", f"{'; '.join(found)} ({chosen} is used)", {"found": found, "used": chosen}
    )


def _precision() -> Finding:
    device = choose_device("auto")
    chosen = str(choose_precision("auto", device)).removeprefix("torch.")
    if device.type == "mps":
        return Finding("precision", "well", "float32, the only one on mps", {"used": chosen})
    seconds = {str(kind).removeprefix("torch."): s for kind, s in convolution_seconds(device).items()}
    ratio = seconds["float32"] / seconds["bfloat16"]
    told = ", ".join(f"{s * 1e3:.2f} ms in {kind}" for kind, s in seconds.items())
    why = (
        f"a convolution takes {told}; bfloat16 is worth it from {WORTH_IT:g} times as fast, here {ratio:.1f}"
    )
    return Finding("precision", "well", f"{chosen}: {why}", {"used": chosen, "seconds": seconds})


def _memory() -> Finding:
    device = choose_device("auto")
    free = free_bytes(device)
    space = fit(USUAL_PX, torch.float32, "lbfgs", 0.9 * free)
    how = "seen whole" if space.core_px is None else "painted in tiles"
    return Finding(
        "memory",
        "well",
        f"{free / 1e9:.1f} GB free on {device.type}; {USUAL_PX[0]} pixels are {how}",
        {"free_bytes": free},
    )


def _formats() -> Finding:
    slope = np.linspace(0, 1, 64, dtype=np.float32)
    drawn = np.stack(np.broadcast_arrays(slope[:, None], slope, np.float32(0.5)), -1)
    broken = {}
    with TemporaryDirectory() as folder:
        for name, suffix in SUFFIXES.items():
            path = Path(folder) / f"drawn{suffix}"
            try:
                write_picture(path, Picture(drawn))
                if np.abs(read_picture(path).rgb - drawn).mean() > CODEC_ERROR:
                    broken[name] = "comes back as another picture"
            except ImpastoError as error:
                broken[name] = str(error)
    well = [name for name in SUFFIXES if name not in broken]
    told = f"{', '.join(well)} written and read back" + "".join(
        f"; {name}: {why}" for name, why in broken.items()
    )
    return Finding("formats", "ill" if broken else "well", told, {"well": well, "broken": broken})


def _networks() -> Finding:
    there, absent = [], []
    for model in MODELS.values():
        if model.bundled or model_path(model.name):
            verify_model(model.name)
            there.append(model.name)
        else:
            absent.append(model.name)
    later = f"; {', '.join(absent)} not here, fetched when first used" if absent else ""
    return Finding(
        "networks",
        "well",
        f"{', '.join(there)} as published, by checksum{later}",
        {"verified": there, "absent": absent},
    )


def _styles() -> Finding:
    bundled = vgg_weights().sha256
    others = [name for name, path in builtin_styles().items() if read_card(path).network_sha256 != bundled]
    if others or not builtin_styles():
        wrong = ", ".join(others) or "none"
        return Finding(
            "styles", "ill", f"of another network: {wrong}; reinstall impasto", {"of_another": others}
        )
    count = len(builtin_styles())
    return Finding(
        "styles", "well", f"{count} built in, measured with the network that is here", {"count": count}
    )


def _self_test() -> Finding:
    task = StylizeTask(
        photo=data_folder() / "sample.jpg", styles=(StyleChoice(source="starry-night"),), options=SELF_TEST
    )
    end = time.perf_counter() + SELF_TEST_S
    losses = []
    result = None
    for event in run(task, stop=lambda: time.perf_counter() > end):
        if isinstance(event, Progress):
            losses.append(event.loss)
        else:
            result = event
    assert isinstance(result, Result)
    height, width = result.rgb.shape[:2]
    fell = losses[-1] < FALLS_TO * losses[0]
    return Finding(
        "self-test",
        "well" if fell and np.isfinite(result.rgb).all() else "ill",
        f"a painting of {width} x {height} pixels: the loss {'fell' if fell else 'did not fall'} from "
        f"{losses[0]:.3g} to {losses[-1]:.3g} in {len(losses)} steps, {result.seconds:.1f} s",
        {"steps": len(losses), "first_loss": losses[0], "last_loss": losses[-1], "seconds": result.seconds},
    )
