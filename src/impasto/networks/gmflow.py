"""GMFlow: where each place of one frame lies in another, far away as well.

Xu, Zhang, Cai, Rezatofighi & Tao 2022, "GMFlow: Learning Optical Flow via Global Matching", with its
refinement at a quarter of the frame's size. Features of both frames look at each other in windows (as in Liu
et al. 2021, "Swin Transformer"); each place then goes where those of the other frame that look like it lie on
average.
"""

from math import pi, sqrt
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor, nn

CHANNELS: Final = 128
BLOCKS: Final = 6
STRIDE: Final = 32
"""Sides of a frame are multiples: windows divide its features at a quarter of its size."""
COARSE_WINDOWS, FINE_WINDOWS = 2, 8
"""How many lie beside each other, at an eighth and at a quarter."""
NEAR: Final = 4
"""At a quarter, a place is looked for so many places around where an eighth has found it."""
ENLARGED: Final = 4
AT_ONCE: Final = 8
"""Windows; what little lies in memory at a time is allocated faster."""

MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)


class Windows(NamedTuple):
    """Features (n, h, w, c) fall into side x side windows, which every second block shifts by half of one."""

    height: int
    width: int
    side: int
    shifted: bool

    @property
    def shift(self) -> tuple[int, int]:
        if not self.shifted:
            return 0, 0
        return self.height // self.side // 2, self.width // self.side // 2

    def cut(self, x: Tensor) -> Tensor:
        """(n, h, w, c) -> (n, windows, places in one, c)."""
        down, right = self.shift
        return cut(x.roll((-down, -right), (1, 2)), self.side).flatten(2, 3)

    def joined(self, x: Tensor) -> Tensor:
        """And back."""
        down, right = self.shift
        rows, columns = self.height // self.side, self.width // self.side
        parts = x.view(len(x), self.side, self.side, rows, columns, -1).transpose(2, 3)
        return parts.reshape(len(x), self.height, self.width, -1).roll((down, right), (1, 2))

    def mask(self, x: Tensor) -> Tensor | None:
        """Which places of a window may see each other, for parts (n, windows, places, c); added to likeness.

        Rolled round, a window at the border holds what lies on opposite sides of the frame.
        """
        if not self.shifted:
            return None
        sides = []
        for length, shift in zip((self.height, self.width), self.shift, strict=True):
            place = torch.arange(length, device=x.device)
            sides.append((place >= length - length // self.side).int() + (place >= length - shift).int())
        regions = cut((3 * sides[0][:, None] + sides[1])[None, ..., None], self.side).flatten(2)
        apart = regions[..., None] != regions[..., None, :]
        # Of four dimensions and not of booleans, it keeps the fast way through attention.
        return x.new_zeros(apart.shape).masked_fill_(apart, -torch.inf).expand(len(x), -1, -1, -1)


def cut(x: Tensor, side: int) -> Tensor:
    """(n, h, w, c) -> (n, side * side, h / side, w / side, c)."""
    n, height, width, channels = x.shape
    parts = x.view(n, side, height // side, side, width // side, channels)
    return parts.transpose(2, 3).flatten(1, 2)


class Residual(nn.Module):
    """Two convolutions beside the way through."""

    def __init__(self, inward: int, outward: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inward, outward, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outward, outward, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(inward, outward, 1, stride) if inward != outward else None

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(F.instance_norm(self.conv1(x)))
        inner = F.relu(F.instance_norm(self.conv2(inner)))
        return F.relu(inner + (x if self.skip is None else F.instance_norm(self.skip(x))))


class Encoder(nn.Module):
    """(n, 3, h, w) -> features (n, 128, h/8, w/8) and (n, 128, h/4, w/4), by the same last kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.residuals = nn.Sequential(
            Residual(64, 64),
            Residual(64, 64),
            Residual(64, 96, 2),
            Residual(96, 96),
            Residual(96, CHANNELS),
            Residual(CHANNELS, CHANNELS),
        )
        self.mixed = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.last = nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1, bias=False)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        x = self.mixed(self.residuals(F.relu(F.instance_norm(self.first(frames)))))
        return F.conv2d(x, self.last.weight, None, 2, 1), self.last(x)


class Attention(nn.Module):
    """What each place takes from the places of a window that look like it."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.merge = (
            nn.Linear(CHANNELS, CHANNELS, bias=False) for _ in range(4)
        )
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, x: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        """(n, windows, places, c) twice, and which places may see each other -> (n, windows, places, c)."""
        seen = F.scaled_dot_product_attention(self.query(x), self.key(other), self.value(other), mask)
        message: Tensor = self.norm(self.merge(seen))
        return message


class Block(nn.Module):
    """Each frame looks at itself and then at the other."""

    def __init__(self) -> None:
        super().__init__()
        self.within, self.across = Attention(), Attention()
        self.widened = nn.Linear(2 * CHANNELS, 8 * CHANNELS, bias=False)
        self.narrowed = nn.Linear(8 * CHANNELS, CHANNELS, bias=False)
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, x: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.within(x, x, mask)
        message = torch.cat([x, self.across(x, other, mask)], -1)
        found: Tensor = x + self.norm(self.narrowed(F.gelu(self.widened(message))))
        return found


class Gmflow(nn.Module):
    """4.7 million numbers; some 1.5 million multiplications for each pixel of a pair, both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.query = nn.Linear(CHANNELS, CHANNELS)
        self.key = nn.Linear(CHANNELS, CHANNELS)
        self.shares = nn.Sequential(
            nn.Conv2d(2 + CHANNELS, 256, 3, 1, 1), nn.ReLU(), nn.Conv2d(256, 9 * ENLARGED**2, 1)
        )

    def forward(self, here: Tensor, there: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Two frames (1, 3, h, w) in [0, 1], sides multiples of 32 -> (2, 2, h, w): flow there, and back.

        In pixels, right and down. Features are computed in `dtype`, places in float32.
        """
        frames = torch.cat([here, there])
        mean, std = (frames.new_tensor(numbers).view(1, 3, 1, 1) for numbers in (MEAN, STD))
        with torch.autocast(frames.device.type, dtype, enabled=dtype != torch.float32):
            coarse, fine = self.encoder((frames - mean) / std)
            coarse, other = self._related(coarse, coarse.flip(0), COARSE_WINDOWS)
        flow = self._spread(coarse, _matched(coarse, other))
        flow = 2 * F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=True)
        with torch.autocast(frames.device.type, dtype, enabled=dtype != torch.float32):
            fine, other = self._related(fine, _moved(fine.flip(0), flow), FINE_WINDOWS)
        flow = flow + _matched_near(fine, other)
        return self._enlarged(self._spread_near(fine, flow), fine)

    def _related(self, x: Tensor, other: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Features (n, c, h, w) of frames and of what they are compared with, each having looked at both."""
        together = torch.cat([x, other]).permute(0, 2, 3, 1)
        _, height, width, _ = together.shape
        together = together + _places_in(height // side, width // side).to(together).tile(side, side, 1)
        for number, block in enumerate(self.blocks):
            windows = Windows(height, width, side, shifted=number % 2 == 1)
            parts = windows.cut(together)
            mask = windows.mask(parts)
            found = []
            for begin in range(0, side**2, AT_ONCE):
                some = slice(begin, begin + AT_ONCE)
                part = parts[:, some]
                found.append(block(part, part.roll(len(x), 0), None if mask is None else mask[:, some]))
            together = windows.joined(torch.cat(found, 1))
        x, other = together.permute(0, 3, 1, 2).float().chunk(2)
        return x, other

    def _spread(self, x: Tensor, flow: Tensor) -> Tensor:
        """Each place's flow is the mean of those that look like it: what is hidden moves with its like."""
        query = self.query(_in_a_row(x))
        return _mean_flow(query, self.key(query), flow)  # the weights learnt keys of queries

    def _spread_near(self, x: Tensor, flow: Tensor) -> Tensor:
        """The same among neighbours."""
        query, key = (part(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) for part in (self.query, self.key))
        shares = _alike_near(query, key, 1).softmax(1)
        around = F.unfold(flow, 3, padding=1).view(len(flow), 2, 9, *flow.shape[2:])
        return (shares[:, None] * around).sum(2)

    def _enlarged(self, flow: Tensor, x: Tensor) -> Tensor:
        """Four times as large: each pixel takes shares of the nine places around."""
        n, _, height, width = flow.shape
        shares = self.shares(torch.cat([flow, x], 1)).view(n, 1, 9, ENLARGED**2, height, width).softmax(2)
        around = F.unfold(ENLARGED * flow, 3, padding=1).view(n, 2, 9, 1, height, width)
        return F.pixel_shuffle((shares * around).sum(2).flatten(1, 2), ENLARGED)


def _places_in(rows: int, columns: int) -> Tensor:
    """(rows, columns, 128): sines and cosines of where in its window a place lies (Carion et al. 2020)."""
    rates = 10_000 ** -(torch.arange(CHANNELS // 4) * 4 / CHANNELS)

    def waves(length: int) -> Tensor:
        angles = (torch.arange(1, length + 1) * 2 * pi / length)[:, None] * rates
        return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)

    down, right = waves(rows), waves(columns)
    return torch.cat([down[:, None].expand(-1, columns, -1), right[None].expand(rows, -1, -1)], -1)


def _grid(height: int, width: int, like: Tensor) -> Tensor:
    """(2, h, w): the places themselves, x and y."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y]).to(like)


def _in_a_row(x: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, h * w, c)."""
    return x.flatten(2).transpose(1, 2)


def _mean_flow(query: Tensor, key: Tensor, values: Tensor) -> Tensor:
    """(n, h * w, c) twice, (n, 2, h, w) -> the same: what lies at places that look like each, on average."""
    rows = F.pad(_in_a_row(values), (0, CHANNELS - 2))  # of equal widths no matrix of all pairs is kept
    found = F.scaled_dot_product_attention(query[:, None], key[:, None], rows[:, None])[:, 0, :, :2]
    return found.transpose(1, 2).reshape(values.shape)


def _matched(x: Tensor, other: Tensor) -> Tensor:
    """(n, c, h, w) twice -> (n, 2, h, w): from each place to those of the other frame that look like it."""
    places = _grid(x.shape[2], x.shape[3], x).expand(len(x), -1, -1, -1)
    return _mean_flow(_in_a_row(x), _in_a_row(other), places) - places


def _alike_near(x: Tensor, other: Tensor, radius: int) -> Tensor:
    """(n, c, h, w) twice -> (n, (2 radius + 1)^2, h, w): how much each place is like those around it."""
    n, channels, height, width = x.shape
    size = 2 * radius + 1
    rows = x.permute(0, 2, 3, 1)
    padded = F.pad(other, (radius,) * 4).permute(0, 2, 1, 3)
    columns = (torch.arange(width)[:, None] + torch.arange(size)).to(x.device).expand(n, height, -1, -1)
    # All pairs in two rows are multiplied, which is faster than few pairs one by one.
    found = [(rows @ padded[:, down : down + height]).gather(3, columns) for down in range(size)]
    return torch.cat(found, -1).permute(0, 3, 1, 2) / sqrt(channels)


def _matched_near(x: Tensor, other: Tensor) -> Tensor:
    """(n, c, h, w) twice -> (n, 2, h, w): the same as `_matched`, among the places around."""
    _, _, height, width = x.shape
    size = 2 * NEAR + 1
    steps = _grid(size, size, x).flatten(1) - NEAR
    reached = _grid(height, width, x)[:, None] + steps[..., None, None]
    outside = (reached < 0) | (reached >= torch.tensor([width, height]).to(x).view(2, 1, 1, 1))
    alike = _alike_near(x, other, NEAR).masked_fill(outside.any(0), -torch.inf)
    return torch.einsum("nkhw,ck->nchw", alike.softmax(1), steps)


def _moved(x: Tensor, flow: Tensor) -> Tensor:
    """(n, c, h, w) and (n, 2, h, w) -> at p what lies at p + flow; beyond the frame nothing."""
    _, _, height, width = x.shape
    reached = _grid(height, width, flow) + flow
    last = torch.tensor([width - 1, height - 1]).to(flow).view(1, 2, 1, 1)
    return F.grid_sample(x.float(), (2 * reached / last - 1).permute(0, 2, 3, 1), align_corners=True)
