"""SqueezeNet 1.1, the judge: it measures pictures and names what is on them, and is never optimised.

Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters".
"""

from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn

MEAN_RGB: Final = (123.68, 116.779, 103.939)
FIRES: Final = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
POOLED_AFTER: Final = (3, 5)


class Fire(nn.Module):
    """Squeeze to few channels, expand by 1x1 and 3x3 side by side: (n, c, h, w) -> (n, 2e, h, w)."""

    def __init__(self, channels_in: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels_in, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], dim=1)


class SqueezeNet(nn.Module):
    """The convolutional part and the ImageNet classifier."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1)
        self.fires = nn.ModuleDict()
        channels = 64
        for number, (squeezed, expanded) in FIRES.items():
            self.fires[str(number)] = Fire(channels, squeezed, expanded)
            channels = 2 * expanded
        self.classifier = nn.Conv2d(512, 1000, 1)
        self.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        self.requires_grad_(False)
        self.eval()

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """(n, 3, h, w), sRGB in [0, 1] -> {"conv1": ..., "fire2": ... "fire9": (n, 512, h/16, w/16)}."""
        mean = torch.tensor(MEAN_RGB, device=picture.device).view(3, 1, 1)
        x = F.relu(self.conv1(picture * 255 - mean))
        features = {"conv1": x}
        x = _pool(x)
        for number, fire in self.fires.items():
            x = features[f"fire{number}"] = fire(x)
            if int(number) in POOLED_AFTER:
                x = _pool(x)
        return features

    def classify(self, picture: Tensor) -> Tensor:
        """(n, 3, h, w), sRGB in [0, 1] -> (n, 1000) ImageNet probabilities; meant for 227 px."""
        scores = F.relu(self.classifier(self(picture)["fire9"])).mean((2, 3))
        return scores.softmax(1)


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 2, ceil_mode=True)
