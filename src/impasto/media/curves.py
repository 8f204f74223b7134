"""Curves of a training as pictures."""

import io
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final

import numpy as np

from impasto.errors import ExtraError

SMOOTHED_STEPS: Final = 50


def curve_png(losses: Sequence[float], held_out: Mapping[int, float]) -> bytes:
    """A PNG: the loss by step, its mean over the last fifty, and dots for what is held out, by step.

    ExtraError without matplotlib.
    """
    pyplot = import_pyplot()
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    axes.plot(losses, linewidth=0.4, alpha=0.4)
    width = min(SMOOTHED_STEPS, len(losses))
    smooth = np.convolve(losses, np.full(width, 1 / width), "valid")
    axes.plot(range(width - 1, len(losses)), smooth)
    axes.plot(list(held_out), list(held_out.values()), "o-", markersize=3, linewidth=1)
    axes.set(xlabel="step", ylabel="loss")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return buffer.getvalue()


def import_pyplot() -> ModuleType:
    """matplotlib without a screen, which not everybody needs; ExtraError where it is missing."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ExtraError("training draws its curve with matplotlib: pip install 'impasto[train]'") from error
    mpl.use("agg")
    from matplotlib import pyplot

    module: ModuleType = pyplot
    return module
