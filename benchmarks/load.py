"""Many clients at one server while it paints: how long do they wait?

python -m benchmarks.load --clients 200 --seconds 30

Each client asks for the page, its jobs or the job that is painted, every two seconds, and uploads a small
picture at times. Says the latencies in milliseconds and the memory of the server process before and after.
"""

import argparse
import asyncio
import io
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import httpx2
import numpy as np
from PIL import Image

PORT = 8767
URL = f"http://127.0.0.1:{PORT}"
PAUSE_S = 2.0
UPLOADS = 0.05
"""Share of the requests that upload."""


def picture() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


async def begin(client: httpx2.AsyncClient) -> str:
    """The id of a job that is being painted."""
    upload = (await client.post("/api/uploads", files={"file": ("photo.png", picture())})).json()
    body = {"photo": upload["id"], "styles": ["scream"], "options": {"size": 128, "steps": 90_000}}
    job = str((await client.post("/api/jobs", json=body)).json()["id"])
    while (await client.get(f"/api/jobs/{job}")).json()["state"] != "running":
        await asyncio.sleep(0.5)
    return job


async def visit(
    client: httpx2.AsyncClient, job: str, until: float, taken: dict[str, list[float]], chance: random.Random
) -> None:
    await asyncio.sleep(chance.uniform(0, PAUSE_S))
    while time.monotonic() < until:
        path = (
            "/api/uploads"
            if chance.random() < UPLOADS
            else chance.choice(["/", "/api/jobs", f"/api/jobs/{job}"])
        )
        began = time.monotonic()
        if path == "/api/uploads":
            answer = await client.post(path, files={"file": ("photo.png", picture())})
        else:
            answer = await client.get(path)
        answer.raise_for_status()
        taken[path.replace(job, "ID")].append(1000 * (time.monotonic() - began))
        await asyncio.sleep(PAUSE_S * chance.uniform(0.5, 1.5))


async def load(clients: int, seconds: float, server_pid: int) -> None:
    taken: dict[str, list[float]] = defaultdict(list)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(base_url=URL, timeout=60, limits=limits) as client:
        job = await begin(client)
        before = resident_mb(server_pid)
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(visit(client, job, until, taken, random.Random(number)) for number in range(clients))
        )
        print(f"server memory {before:.0f} MB before, {resident_mb(server_pid):.0f} MB after")
        painted = (await client.get(f"/api/jobs/{job}")).json()["progress"]["step"]
        print(f"steps painted meanwhile {painted}")
        await client.delete(f"/api/jobs/{job}")
    for path, times in sorted(taken.items()):
        middle, high = np.percentile(times, [50, 99])
        print(f"{path:16} {len(times):6} answers  median {middle:7.1f} ms  99 % {high:7.1f} ms")


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-m", "impasto", "serve", "--port", str(PORT), "--store", store]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        while "impasto is at" not in server.stderr.readline():
            pass
        drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
        try:
            asyncio.run(load(args.clients, args.seconds, server.pid))
        finally:
            server.terminate()
            server.wait(60)
            drain.wait(10)


if __name__ == "__main__":
    main()
