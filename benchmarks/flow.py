"""Flow and masks against the truth: python -m benchmarks.flow SINTEL_FOLDER

Each folder in it holds final_0002.png, final_0003.png, flow_0002.flo, occ_0002.png and invalid_0002.png of
MPI-Sintel. Prints for each method and size it is computed at: the end-point error in pixels over valid ones,
precision and recall of our disocclusion masks against the true occlusions, and seconds a pair, both ways.
"""

import argparse
import time
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.media.flo import read_flo
from impasto.media.picture import read_picture
from impasto.methods.flow import Classical, Flows, flow_between, flows_between
from impasto.methods.temporal import disoccluded, motion_boundary


class Pair(NamedTuple):
    """Two frames (1, 3, h, w), the true flow (1, 2, h, w), and what is hidden in the second and not valid."""

    here: Tensor
    there: Tensor
    flow: Tensor
    hidden: Tensor
    valid: Tensor


def read_pair(folder: Path) -> Pair:
    here, there = (to_tensor(read_picture(folder / f"final_000{n}.png").rgb) for n in (2, 3))
    flow = torch.from_numpy(read_flo(folder / "flow_0002.flo").transpose(2, 0, 1).copy())[None]
    hidden, invalid = (
        to_tensor(read_picture(folder / f"{name}_0002.png").rgb)[:, :1] > 0.5 for name in ("occ", "invalid")
    )
    return Pair(here, there, flow, hidden, ~invalid)


def hides(flow: Tensor, flow_back: Tensor) -> Tensor:
    """What the masks of the film leave out but for motion boundaries, (1, 1, h, w) bool."""
    _, _, height, width = flow.shape
    y = torch.arange(height)[:, None] + flow[0, 1]
    x = torch.arange(width)[None, :] + flow[0, 0]
    outside = (y < 0) | (y > height - 1) | (x < 0) | (x > width - 1)
    return disoccluded(flow, flow_back) | outside


def shares(found: Tensor, true: Tensor) -> str:
    both = (found & true).sum()
    precision, recall = both / found.sum().clamp(min=1), both / true.sum().clamp(min=1)
    return f"{precision:.3f} / {recall:.3f}"


def flows_by(pair: Pair, method: Classical | Literal["gmflow"], longest_px: int) -> Flows:
    """Both ways; what the network sees does not depend on the size."""
    here, there = pair.here, pair.there
    if method == "gmflow":
        return flows_between(here, there, method)
    return Flows(*(flow_between(*two, method, longest_px) for two in ((here, there), (there, here))))


def measure(name: str, pair: Pair, method: Classical | Literal["gmflow"], longest_px: int) -> None:
    began = time.process_time()
    flow, back = flows_by(pair, method, longest_px)
    seconds = time.process_time() - began
    error = (flow - pair.flow).square().sum(1, keepdim=True).sqrt()
    seen = pair.valid & ~pair.hidden
    hidden = hides(flow, back)
    print(
        f"| {name} | {method} | {longest_px} | {error[pair.valid].mean():.2f} | {error[seen].mean():.2f} "
        f"| {shares(hidden, pair.hidden)} | {shares(hidden | motion_boundary(flow), pair.hidden)} "
        f"| {seconds:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sintel", type=Path)
    folders = sorted(path for path in parser.parse_args().sintel.iterdir() if path.is_dir())
    print(
        "| pair | method | px | end-point error | where visible | hidden: precision / recall "
        "| with boundaries | s |\n|---|---|---|---|---|---|---|---|"
    )
    methods: tuple[Classical, ...] = ("dis", "farneback", "deepflow")
    for folder in folders:
        pair = read_pair(folder)
        for method in methods:
            for longest_px in (1024, 768, 640, 512, 320):
                measure(folder.name, pair, method, longest_px)
        measure(folder.name, pair, "gmflow", 1024)


if __name__ == "__main__":
    main()
