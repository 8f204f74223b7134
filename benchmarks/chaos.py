"""Jobs against kill -9: is each that was accepted ended once, with its result whole?

python -m benchmarks.chaos                                             # SQLite, a server with two workers
python -m benchmarks.chaos --fleet 3                                   # SQLite, three workers beside it
python -m benchmarks.chaos --fleet 3 --database postgresql://...       # the same on PostgreSQL

Accepts small jobs over the API, in turn paintings, films of three shots, batches of three photos and
colourings, while the server or a worker is killed at random moments and started again; then waits until
nothing is unfinished and looks at every result. The database should be empty before.
"""

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import httpx2
import numpy as np
from PIL import Image

from impasto.media.picture import read_picture

PORT = int(os.environ.get("CHAOS_PORT", "8765"))
URL = f"http://127.0.0.1:{PORT}"
PATIENCE_S = 900.0


class Crew:
    """A server and its workers as processes; whoever is killed is started again."""

    def __init__(self, store: Path, database: str | None, fleet: int) -> None:
        where = ["--store", str(store), *(["--database", database] if database else [])]
        workers = "0" if fleet else "2"
        self.commands = [
            ["serve", "--port", str(PORT), "--workers", workers, "--jobs-per-client", "1000", *where]
        ]
        self.commands += [["worker", "--name", f"w{number}", *where] for number in range(1, fleet + 1)]
        self.beats = store / "workers"
        self.aim = 0.6
        self.log = (store.parent / "chaos.log").open("ab")
        self.processes = [self.start(command) for command in self.commands]

    def start(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-m", "impasto", *command], stderr=self.log)

    def kill_one(self, chance: random.Random) -> str:
        """kill -9 for one of them all, rather a busy worker; a server's own are started again by it."""
        children = _children(self.processes[0].pid)
        busy = [number for number in range(1, len(self.processes)) if self.is_busy(number)]
        if busy and chance.random() < self.aim:
            self.kill(chance.choice(busy))
            return "a worker at work"
        number = chance.randrange(len(self.processes) + len(children))
        if number >= len(self.processes):
            with suppress(ProcessLookupError):
                os.kill(children[number - len(self.processes)], signal.SIGKILL)
            return "a worker of the server"
        self.kill(number)
        return "the server" if number == 0 else "a worker"

    def kill(self, number: int) -> None:
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = self.start(self.commands[number])

    def is_busy(self, number: int) -> bool:
        """Whether a worker beside the server said lately that it has a job in hand."""
        with suppress(FileNotFoundError, ValueError):
            beat = json.loads((self.beats / f"w{number}.json").read_bytes())
            return beat["job"] is not None
        return False

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)
        self.log.close()


def _children(pid: int) -> list[int]:
    """The workers of a server; its process that decodes uploads is none of them."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for word in children.read_text().split():
            with suppress(FileNotFoundError):
                if b"impasto.server.worker" in Path(f"/proc/{word}/cmdline").read_bytes():
                    found.append(int(word))
    return found


def insist(method: str, path: str, **more: Any) -> Any:
    """The answer, however often the server has to be asked for it; a key makes that harmless."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            answer = httpx2.request(method, URL + path, timeout=20, **more)
            if answer.status_code < 500:
                answer.raise_for_status()
                return answer.json()
        time.sleep(0.3)
    raise TimeoutError(path)


def uploads(folder: Path, seed: int) -> dict[str, Any]:
    """Ids of a photo and a film."""
    noise = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    png = io.BytesIO()
    Image.fromarray(noise).save(png, "PNG")
    film = folder / "clip.mp4"
    shots = [noise, 255 - noise, noise // 3]
    with av.open(film, "w") as output:
        stream = output.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in [shot for shot in shots for _ in range(4)]:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    send = {"photo": ("noise.png", png.getvalue()), "film": ("clip.mp4", film.read_bytes())}
    return {kind: insist("POST", "/api/uploads", files={"file": file})["id"] for kind, file in send.items()}


def accept(number: int, ids: dict[str, str], steps: int) -> str:
    options = {"size": 64, "steps": steps, "seed": number}
    photo, styles = {"photo": ids["photo"]}, {"styles": ["scream"]}
    kinds: tuple[dict[str, Any], ...] = (
        {**photo, **styles, "options": options},
        {
            "verb": "video",
            "film": ids["film"],
            **styles,
            "options": options | {"frame_steps": steps // 4 + 1},
        },
        {"verb": "batch", "photos": [ids["photo"]] * 3, **styles, "options": options},
        {"verb": "colorize", **photo, **styles, "painting": options},
    )
    headers = {"idempotency-key": str(number)}
    return str(insist("POST", "/api/jobs", json=kinds[number % len(kinds)], headers=headers)["id"])


def is_whole(folder: Path, job: dict[str, Any]) -> bool:
    """Whether a result can be read from its first byte to its last."""
    path = folder / job["painting"]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as batch:
            return len(batch.namelist()) == 3 and batch.testzip() is None
    if path.suffix == ".mp4":
        with av.open(path) as film:
            return sum(1 for _ in film.decode(video=0)) == 12
    return read_picture(path).size_px == (64, 48)


def chaos(crew: Crew, args: argparse.Namespace) -> tuple[set[str], Counter[str]]:
    """The ids of the accepted jobs, and who was killed how often."""
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        ids = uploads(Path(folder), args.seed)
    accepted: set[str] = set()
    killed: Counter[str] = Counter()
    kill_at = time.monotonic() + chance.uniform(*args.every)
    while len(accepted) < args.jobs or killed.total() < args.kills:
        if len(accepted) < args.jobs:
            accepted.add(accept(len(accepted), ids, args.steps))
        if killed.total() < args.kills and time.monotonic() > kill_at:
            killed[crew.kill_one(chance)] += 1
            kill_at = time.monotonic() + chance.uniform(*args.every)
        time.sleep(0.2)
    return accepted, killed


def all_jobs() -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = []
    while page := insist("GET", f"/api/jobs?limit=200&offset={len(jobs)}"):
        jobs += page
    return jobs


def _unfinished(jobs: list[dict[str, Any]]) -> bool:
    return any(job["state"] in {"queued", "running"} for job in jobs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--every", type=float, nargs=2, default=(4.0, 12.0), help="seconds between kills")
    parser.add_argument("--fleet", type=int, default=0, help="workers beside the server, not below it")
    parser.add_argument("--database")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        crew = Crew(store, args.database, args.fleet)
        try:
            accepted, killed = chaos(crew, args)
            deadline = time.monotonic() + PATIENCE_S
            jobs = all_jobs()
            while _unfinished(jobs) and time.monotonic() < deadline:
                time.sleep(1)
                jobs = all_jobs()
        finally:
            crew.end()
        whole = sum(is_whole(store / "local/jobs" / job["id"], job) for job in jobs if job["state"] == "done")
        print(
            f"accepted {len(accepted)}, lost {len(accepted - {job['id'] for job in jobs})}, "
            f"made twice {len(jobs) - len(accepted)}"
        )
        print(f"states {dict(Counter(job['state'] for job in jobs))}, whole results {whole}")
        print(*(job["reason"] for job in jobs if job["reason"]), sep="\n")
        print(f"attempts {dict(sorted(Counter(job['attempts'] for job in jobs).items()))}")
        print(f"killed {dict(killed)}; half files {len(list(store.rglob('*.part')))}")
        print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
