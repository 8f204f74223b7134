"""A film of eight shots, painted by one worker and by two, each on a core and a thread of its own.

python -m benchmarks.fleet --size 96 --frames 6

Says how long each took, from the first shot's beginning to the film's end, and who painted how many shots.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
from PIL import Image

from impasto.options import ServeOptions
from impasto.server.admission import Bounds, examine
from impasto.server.database import connect, place, prepare_database
from impasto.server.jobs import Job, Jobs
from impasto.server.parts import Parts
from impasto.server.requests import VideoRequest
from impasto.server.store import Upload, new_id

SHOTS = 8
SAMPLE = Path(__file__).parents[1] / "src/impasto/data/sample.jpg"


def film(path: Path, frames: int, size_px: int) -> Path:
    """Shots that alternate between a photo and its negative, in slow motion over it."""
    with Image.open(SAMPLE) as photo:
        scene = np.asarray(photo.convert("RGB").resize((size_px + 2 * frames, size_px * 3 // 4)))
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = size_px, size_px * 3 // 4, "yuv420p"
        for shot in range(SHOTS):
            for number in range(frames):
                picture = np.ascontiguousarray(scene[:, 2 * number : 2 * number + size_px])
                shown = picture if shot % 2 == 0 else 255 - picture
                output.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def painted(jobs: Jobs, source: Path, size_px: int, workers: int) -> tuple[float, Counter[str | None]]:
    """Seconds, and how many shots each worker painted; the workers are awake before the film comes."""
    where = ["--store", str(jobs.store.root)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with ExitStack() as crew:
        for number in range(workers):
            command = [sys.executable, "-m", "impasto", "worker", "--name", f"w{number}", *where]
            process = subprocess.Popen(
                ["taskset", "-c", str(number), *command], env=environment, stderr=subprocess.DEVNULL
            )
            crew.callback(process.wait)
            crew.callback(process.terminate)
        while len(list((jobs.store.root / "workers").glob("w*.json"))) < workers:
            time.sleep(0.1)
        time.sleep(5)
        job = accepted(jobs, source, size_px)
        began = time.monotonic()
        while (now := jobs.get("local", job.id)).state in {"queued", "running"}:
            time.sleep(0.1)
        took_s = time.monotonic() - began
        assert now.state == "done", now.reason
        rows = Parts(jobs.client, job.id, "local").rows()
        return took_s, Counter(row.executor_id for row in rows.values())


def accepted(jobs: Jobs, source: Path, size_px: int) -> Job:
    arrived, shown = jobs.store.arriving(), jobs.store.arriving(".png")
    arrived.write_bytes(source.read_bytes())
    seen = examine(arrived, shown, source.name, Bounds(10**8, 10**6))
    upload = Upload(id=new_id(), name=source.name, bytes=1, **seen._asdict())
    jobs.store.keep_upload("local", upload, arrived, shown)
    options = {"size": size_px, "precision": "float32"}
    asked = VideoRequest.model_validate(
        {"verb": "video", "film": upload.id, "styles": ["scream"], "options": options}
    )
    return jobs.create("local", asked, None)[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--frames", type=int, default=6, help="of a shot")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = film(Path(folder) / "film.mp4", args.frames, args.size)
        settings = ServeOptions(store=str(Path(folder) / "store"))
        store, url = place(settings)
        prepare_database(url)
        jobs = Jobs(store, connect(url), settings)
        for _ in range(args.rounds):
            for workers in (1, 2):
                took_s, who = painted(jobs, source, args.size, workers)
                load = os.getloadavg()[0]
                print(f"{workers} workers: {took_s:.1f} s, shots {dict(who)}, load {load:.1f}", flush=True)
        jobs.client.destroy()


if __name__ == "__main__":
    main()
