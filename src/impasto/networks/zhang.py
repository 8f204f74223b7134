"""The network of Zhang, Isola & Efros 2016, "Colorful image colorization", as the authors released it.

Modules bear the names of the released file, `colorization_release_v2`, so that it loads as it is.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from torch import Tensor, nn, zeros

AB_RANGE: Final = 110.0
RELEASED_TEMPERATURE: Final = 0.38
"""The released scores are made for a plain softmax: the paper's annealing is in them already."""
BINS: Final = 313


class ZhangNet(nn.Module):
    """Eight blocks of convolutions without pooling: lightness -> scores of the colour bins.

    centres is (313, 2): a and b of the bins, in the order of the scores. rarity (313,) is nothing: how much
    the loss favoured each bin is not in the released file.
    """

    centres: Tensor
    rarity: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.model1 = nn.Sequential(*_block((1, 64, 64), stride=2))
        self.model2 = nn.Sequential(*_block((64, 128, 128), stride=2))
        self.model3 = nn.Sequential(*_block((128, 256, 256, 256), stride=2))
        self.model4 = nn.Sequential(*_block((256, 512, 512, 512)))
        self.model5 = nn.Sequential(*_block((512, 512, 512, 512), dilation=2))
        self.model6 = nn.Sequential(*_block((512, 512, 512, 512), dilation=2))
        self.model7 = nn.Sequential(*_block((512, 512, 512, 512)))
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, BINS, 1),
        )
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "ZhangNet":
        """The network with released weights, which `color_weights` has checked, ready to use."""
        network = cls()
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        network.register_buffer("centres", AB_RANGE * network.model_out.weight[:, :, 0, 0].T.contiguous())
        network.register_buffer("rarity", zeros(BINS))
        return network.requires_grad_(False).eval()

    def forward(self, lightness: Tensor) -> Tensor:
        """(n, 1, h, w), L in [0, 100] -> (n, 313, h/4, w/4), for `annealed_mean`; sides in eights."""
        x = ((lightness - 50) / 100).to(self.model_out.weight.dtype)
        for number in range(1, 9):
            x = self.get_submodule(f"model{number}")(x)
        return RELEASED_TEMPERATURE * x.float()


def _block(channels: tuple[int, ...], stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    """Convolutions with ReLUs, the last one with the stride, and a batch normalisation."""
    layers: list[nn.Module] = []
    last = len(channels) - 2
    for index, (channels_in, channels_out) in enumerate(pairwise(channels)):
        step = stride if index == last else 1
        layers += [
            nn.Conv2d(channels_in, channels_out, 3, step, padding=dilation, dilation=dilation),
            nn.ReLU(),
        ]
    return [*layers, nn.BatchNorm2d(channels[-1])]
