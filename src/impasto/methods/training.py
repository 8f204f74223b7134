"""Training as such: steps that can be taken up again, whatever the network and its loss."""

from collections.abc import Callable, Mapping
from math import cos, pi
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

WARM_UP_STEPS: Final = 100
AVERAGED_STEPS: Final = 500
"""The average of the weights reaches back about so many steps."""
STEEPEST: Final = 5.0
"""Gradients longer than this are cut."""


class Course(NamedTuple):
    """How many steps in all, and the learning rate at its highest."""

    steps: int
    learning_rate: float
    weight_decay: float
    seed: int


class Trainer:
    """A network, its optimiser and the running average of its weights, which travel together.

    What is random in a step depends on the seed and the step alone, so a training that is taken up from its
    `state` goes on as if it had never stopped.
    """

    def __init__(self, network: nn.Module, course: Course) -> None:
        self.network = network
        self.course = course
        self.step = 0
        self.trained = [one for one in network.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained,
            course.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=course.weight_decay,
            fused=self.trained[0].is_cuda,
        )
        self.average = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def learn(self, loss_of: Callable[[int], Tensor]) -> float:
        """One step down the loss, which is told the step's number; the loss before it."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.course.learning_rate * self._share()
        torch.manual_seed(self.course.seed + self.step)  # for dropout, which takes no generator
        loss = loss_of(self.step)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained, STEEPEST)
        self.optimizer.step()
        self.step += 1
        keep = min(1 - 1 / AVERAGED_STEPS, self.step / (self.step + 20))
        now = {name: x for name, x in self.network.state_dict().items() if x.is_floating_point()}
        torch._foreach_lerp_([self.average[name] for name in now], list(now.values()), 1 - keep)
        return loss.item()

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, for `torch.save`."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to a `state`."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = dict(state["average"])

    def _share(self) -> float:
        """Of the learning rate: up in a line, down in half a cosine."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return warm * (0.5 + 0.5 * cos(pi * self.step / self.course.steps))


def batch_of(count: int, size: int, seed: int, step: int) -> list[int]:
    """Which of `count` examples a step sees: each once before any is seen again."""
    places = range(step * size, (step + 1) * size)
    turns = {turn: _shuffled(count, seed + turn) for turn in {place // count for place in places}}
    return [turns[place // count][place % count] for place in places]


def _shuffled(count: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order
