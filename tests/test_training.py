import torch
from torch import Tensor, nn

from impasto.methods.training import Course, Trainer, batch_of

COURSE = Course(steps=40, learning_rate=0.05, weight_decay=0.0, seed=3)


def lesson(network: nn.Module) -> Tensor:
    """A line to learn, through dropout."""
    x = torch.linspace(-1, 1, 16)[:, None]
    loss: Tensor = (network(x) - 3 * x).square().mean()
    return loss


def new_trainer() -> Trainer:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.BatchNorm1d(8), nn.Linear(8, 1))
    return Trainer(network, COURSE)


def learn(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.learn(lambda _: lesson(trainer.network)) for _ in range(steps)]


def test_the_loss_falls() -> None:
    losses = learn(new_trainer(), 40)
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_a_training_taken_up_again_is_one_that_never_stopped() -> None:
    whole = new_trainer()
    losses = learn(whole, 20)
    first = new_trainer()
    learn(first, 12)
    state = first.state()
    second = new_trainer()
    torch.manual_seed(99)
    second.restore(state)
    assert learn(second, 8) == losses[12:]
    for name, tensor in whole.average.items():
        assert torch.equal(tensor, second.average[name])


def test_each_example_is_seen_once_before_any_is_seen_again() -> None:
    seen = [one for step in range(5) for one in batch_of(10, 4, seed=1, step=step)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert batch_of(3, 8, seed=1, step=0)[:3] != [0, 1, 2] or batch_of(3, 8, seed=2, step=0)[:3] != [0, 1, 2]
