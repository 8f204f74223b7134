"""Our colorizer: what VGG-16 sees in a grey picture, from coarse layers to fine ones, -> colours.

The bins and the loss are those of Zhang et al. 2016. The network is ours: hypercolumns, as in Larsson et al.
2016, "Learning representations for automatic colorization", gathered from the top so that they stay cheap.
"""

from typing import Final

import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn, zeros

from impasto.networks.cielab import grey_of
from impasto.networks.vgg import Vgg

LAYERS: Final = ("2_2", "3_3", "4_3", "5_1")


class ColorHead(nn.Module):
    """Features of VGG-16 -> scores of the colour bins, at a quarter of the picture's size.

    centres: (q, 2), a and b of the bins. rarity: (q,), how much the loss favoured each, as a logarithm.
    """

    centres: Tensor
    rarity: Tensor

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.narrow = _step(512, 256, 1)
        self.context = nn.Sequential(_step(256, 256, 3), _step(256, 256, 3, dilation=2))
        self.overall = nn.Linear(256, 256)
        self.seen_4 = _step(512, 256, 1)
        self.middle = _step(256, 256, 3)
        self.seen_3 = _step(256, 128, 1)
        self.seen_2 = _step(128, 128, 1)
        self.down = nn.Conv2d(256, 128, 1)
        self.fine = _step(128, 128, 3)
        self.dropout = nn.Dropout2d(0.2)
        self.scores = nn.Conv2d(128, bins, 1)
        self.register_buffer("centres", zeros(bins, 2))
        self.register_buffer("rarity", zeros(bins))

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        """{"2_2": (n, 128, h/4, w/4), "3_3": ..., "4_3": ..., "5_1": ...} -> (n, q, h/4, w/4)."""
        top = self.context(self.narrow(self.dropout(features["5_1"])))
        # The whole picture has a say: a forest and a harbour have other greys.
        top = top + self.overall(top.mean((2, 3)))[..., None, None]
        middle = self.middle(self.seen_4(self.dropout(features["4_3"])) + _enlarged(top))
        near = self.seen_3(features["3_3"]) + self.seen_2(features["2_2"])
        scores: Tensor = self.scores(self.dropout(self.fine(near + _enlarged(self.down(middle)))))
        return scores


class Colorizer(nn.Module):
    """VGG-16 and the head on it."""

    def __init__(self, vgg: Vgg, head: ColorHead) -> None:
        super().__init__()
        self.vgg = vgg
        self.head = head

    @property
    def centres(self) -> Tensor:
        return self.head.centres

    @property
    def rarity(self) -> Tensor:
        return self.head.rarity

    def forward(self, lightness: Tensor) -> Tensor:
        """(n, 1, h, w), L in [0, 100] -> (n, q, h/4, w/4); sides are multiples of 16."""
        # The head is small, and batch normalisation wants its digits.
        features = {layer: x.float() for layer, x in seen(self.vgg, lightness).items()}
        scores: Tensor = self.head(features)
        return scores


def seen(vgg: Vgg, lightness: Tensor) -> dict[str, Tensor]:
    """(n, 1, h, w), L in [0, 100] -> the features that a ColorHead wants of a grey picture."""
    features: dict[str, Tensor] = vgg(grey_of(lightness), LAYERS)
    return features | {"2_2": F.avg_pool2d(features["2_2"], 2)}


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def _step(channels_in: int, channels_out: int, kernel_px: int, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel_px // 2)
    return nn.Sequential(
        nn.Conv2d(
            channels_in,
            channels_out,
            kernel_px,
            padding=padding,
            dilation=dilation,
            padding_mode="replicate",
            bias=False,
        ),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
