"""The workers of a server on its own machine: started, started again when they die, ended with it."""

import logging
import subprocess
import sys
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Final

from impasto.options import WorkerOptions

LOOK_S: Final = 0.5
PATIENCE_S: Final = 25.0
"""For a worker to put its job back before it is killed."""
_SLOWEST_RESTART_S: Final = 30.0

log = logging.getLogger("impasto.server")


class Supervisor:
    """Keeps `count` workers running until it is closed, or until this process ends in whatever way."""

    def __init__(self, count: int, options: WorkerOptions) -> None:
        self._line = options.model_dump_json() + "\n"
        self._closing = Event()
        self._threads = [Thread(target=self._keep_one, daemon=True) for _ in range(count)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Every worker puts its job back and ends, or is killed when that takes too long."""
        self._closing.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 5)

    def _keep_one(self) -> None:
        wait_s = LOOK_S
        while not self._closing.is_set():
            began = time.monotonic()
            process = self._begin()
            while process.poll() is None and not self._closing.wait(LOOK_S):
                pass
            if self._closing.is_set():
                _end(process)
                return
            lived_s = time.monotonic() - began
            log.warning("a worker died with exit code %s after %.0f s", process.returncode, lived_s)
            # One that dies at once, for want of a network's file or of memory, is not tried all the time.
            wait_s = LOOK_S if lived_s > _SLOWEST_RESTART_S else min(2 * wait_s, _SLOWEST_RESTART_S)
            self._closing.wait(wait_s)

    def _begin(self) -> subprocess.Popen[str]:
        """Its standard input is how it learns that we have ended; the first line are its options."""
        process = subprocess.Popen(
            [sys.executable, "-m", "impasto.server.worker"], stdin=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(self._line)
            process.stdin.flush()
        return process


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
