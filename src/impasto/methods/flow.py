"""Optical flow: where each pixel of one frame lies in another.

DIS by Kroeger et al. 2016, DeepFlow by Weinzaepfel et al. 2013 (which Ruder et al. 2016 painted with) without
its descriptor matching, and Farnebäck 2003, as OpenCV has them; where DIS loses its way, the network GMFlow.
"""

from math import sqrt
from typing import Any, Final, Literal, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.methods.styles import resize_to
from impasto.methods.temporal import in_both
from impasto.networks.gmflow import STRIDE
from impasto.networks.weights import load_gmflow
from impasto.options import FlowMethod

FLOW_PX: Final = 1024
"""Longest side that flow is computed at; see benchmarks/LOG.md."""
NETWORK_PX: Final = 768 * 320
"""What the network sees of a frame, reduced or enlarged: on smaller pictures it errs more."""
NETWORK_BYTES: Final = 0.65e9
"""What it takes meanwhile."""
LEAST_SHARE: Final = 0.6
"""Of each of two frames, found in the other; where it is less, DIS has lost its way."""
SHARED_PX: Final = 416
"""Longest side at which that is judged, so that it is not another share for larger frames."""
_LUMA: Final = (0.299, 0.587, 0.114)

Grey = NDArray[np.uint8]
Classical = Literal["dis", "deepflow", "farneback"]


class Flows(NamedTuple):
    """From one frame to another, and back: (1, 2, h, w) each."""

    there: Tensor
    back: Tensor


def flows_between(
    here: Tensor, there: Tensor, method: FlowMethod, dtype: torch.dtype = torch.float32
) -> Flows:
    """Of two frames (1, 3, h, w) in [0, 1], as `flow_between` has them.

    auto is DIS, and GMFlow where DIS finds too little of the frames in each other. dtype: the numbers that
    GMFlow's features are computed in.
    """
    if method == "gmflow":
        return _gmflow(here, there, dtype)
    classical = "dis" if method == "auto" else method
    found = Flows(flow_between(here, there, classical), flow_between(there, here, classical))
    if method == "auto" and _share(found) < LEAST_SHARE:
        return _gmflow(here, there, dtype)
    return found


def _share(flows: Flows) -> float:
    """Of a frame that is found in the other; the smaller of both, so that it is one for both ways."""
    height, width = flows.there.shape[2:]
    scale = min(1.0, SHARED_PX / max(height, width))
    there, back = (resize_flow(flow, (round(scale * height), round(scale * width))) for flow in flows)
    return min(float(in_both(*ways).mean()) for ways in ((there, back), (back, there)))


def flow_between(here: Tensor, there: Tensor, method: Classical = "dis", longest_px: int = FLOW_PX) -> Tensor:
    """Two frames (1, 3, h, w) in [0, 1] -> (1, 2, h, w): a pixel p of `here` is found at p + flow in `there`.

    The first channel is to the right and the second down, in pixels. Frames whose longer side is above
    `longest_px` are reduced to it, and the flow is enlarged again.
    """
    size = (here.shape[2], here.shape[3])
    scale = min(1.0, longest_px / max(size))
    small = (max(16, round(size[0] * scale)), max(16, round(size[1] * scale)))
    found = _METHODS[method](_grey(here, small), _grey(there, small))
    flow = torch.from_numpy(np.ascontiguousarray(found.transpose(2, 0, 1)))[None]
    return resize_flow(flow, size).to(here.device)


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 2, h, w) -> (1, 2, *size), its lengths in the new pixels."""
    before = (flow.shape[2], flow.shape[3])
    if before == size:
        return flow
    larger = torch.nn.functional.interpolate(flow, size=size, mode="bilinear", align_corners=False)
    return scaled_flow(larger, before)


def scaled_flow(flow: Tensor, before: tuple[int, int]) -> Tensor:
    """(1, 2, h, w), resized from (height, width) before -> the same, its lengths in the new pixels."""
    height, width = flow.shape[2:]
    return flow * torch.tensor([width / before[1], height / before[0]]).to(flow).view(1, 2, 1, 1)


def _grey(frame: Tensor, size: tuple[int, int]) -> Grey:
    luma = torch.einsum("nchw,c->nhw", frame.float().cpu(), torch.tensor(_LUMA))[:, None]
    if luma.shape[2:] != size:
        luma = resize_to(luma, size)
    return luma[0, 0].mul(255).round().clamp(0, 255).byte().numpy()


def _gmflow(here: Tensor, there: Tensor, dtype: torch.dtype) -> Flows:
    """On the processor, wherever the frames are."""
    size = (here.shape[2], here.shape[3])
    scale = sqrt(NETWORK_PX / (size[0] * size[1]))
    rows, columns = (STRIDE * max(1, round(scale * side / STRIDE)) for side in size)
    seen = [resize_to(frame.float().cpu(), (rows, columns)) for frame in (here, there)]
    flows = load_gmflow()(*seen, dtype)
    return Flows(*(resize_flow(flow[None], size).to(here.device) for flow in flows))


def _dis(here: Grey, there: Grey) -> NDArray[np.float32]:
    # Not shared between calls: its buffers are not for two threads.
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)  # OpenCV's presets stop at half size; see benchmarks/LOG.md
    return _floats(method.calc(here, there, _NO_FLOW))


def _deepflow(here: Grey, there: Grey) -> NDArray[np.float32]:
    return _floats(cv2.optflow.createOptFlow_DeepFlow().calc(here, there, _NO_FLOW))


def _farneback(here: Grey, there: Grey) -> NDArray[np.float32]:
    return _floats(cv2.calcOpticalFlowFarneback(here, there, _NO_FLOW, 0.5, 5, 15, 5, 7, 1.5, 0))


_NO_FLOW: Final[Any] = None
"""OpenCV makes the array for the result; its types do not say that it may be left out."""
_METHODS: Final = {"dis": _dis, "deepflow": _deepflow, "farneback": _farneback}


def _floats(found: Any) -> NDArray[np.float32]:
    flow: NDArray[np.float32] = np.asarray(found, np.float32)
    return flow
