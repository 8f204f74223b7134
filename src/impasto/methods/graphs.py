"""A loss and its gradient, recorded on a GPU once and played back: hundreds of launches become one."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from impasto.methods.optimize import LossAndGradient

WARM_UP: Final = 2
"""What is done once, such as choosing how to convolve, must be done before anything is recorded."""


def recorded(evaluate: LossAndGradient, picture: Tensor) -> LossAndGradient:
    """The same for all pictures like this one (1, 3, h, w), on CUDA; nothing in it may wait for the device.

    The memory of one evaluation is held as long as what is returned.
    """
    seen = picture.clone()
    graph, (loss, gradient) = _recording(lambda: evaluate(seen), picture.device)

    def played(picture: Tensor, _held: LossAndGradient = evaluate) -> tuple[Tensor, Tensor]:
        # What is played reads the memory of what it was recorded from, which must live as long.
        seen.copy_(picture)
        graph.replay()
        return loss.clone(), gradient.clone()

    return played


def recorded_loss(
    loss_of: Callable[[Sequence[Tensor]], Tensor], given: Sequence[Tensor], parameters: Sequence[Tensor]
) -> Callable[[Sequence[Tensor]], Tensor]:
    """The same for all that is shaped like `given`, on CUDA; nothing in it may wait for the device.

    The gradients of `parameters` are recorded with the loss, and are given to them by its `backward`.
    """
    seen = [one.clone() for one in given]

    def evaluate() -> tuple[Tensor, ...]:
        loss = loss_of(seen)
        return loss.detach(), *torch.autograd.grad(loss, parameters)

    # Played thousands of times, so that it pays to try how to convolve.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
        graph, (loss, *gradients) = _recording(evaluate, seen[0].device)

    def played(given: Sequence[Tensor], _held: Callable[[], tuple[Tensor, ...]] = evaluate) -> Tensor:
        for mine, one in zip(seen, given, strict=True):
            mine.copy_(one)
        graph.replay()
        known: Tensor = _KnownGradients.apply(loss, gradients, *parameters)  # type: ignore[no-untyped-call]
        return known

    return played


class _KnownGradients(torch.autograd.Function):
    """A number whose gradients have been found already."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: Sequence[Tensor], *_: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *of_loss: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *torch._foreach_mul(ctx.gradients, of_loss[0])


def _recording(
    evaluate: Callable[[], tuple[Tensor, ...]], device: torch.device
) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]:
    """A graph that computes the same again, and where it leaves its results."""
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            evaluate()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = evaluate()
    return graph, results
