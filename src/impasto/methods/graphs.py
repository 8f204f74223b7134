"""A loss and its gradient, recorded on a GPU once and played back: hundreds of launches become one."""

from typing import Final

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
    side = torch.cuda.Stream(picture.device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(picture.device))
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            evaluate(seen)
    torch.cuda.current_stream(picture.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss, gradient = evaluate(seen)

    def played(picture: Tensor, _held: LossAndGradient = evaluate) -> tuple[Tensor, Tensor]:
        # What is played reads the memory of what it was recorded from, which must live as long.
        seen.copy_(picture)
        graph.replay()
        return loss.clone(), gradient.clone()

    return played
