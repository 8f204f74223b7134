"""`impasto serve` as a process of its own, for tests that come in by its door."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple


class Served(NamedTuple):
    url: str
    process: "subprocess.Popen[str]"
    log: list[str]


@contextmanager
def served(store: Path, *words: str) -> Iterator[Served]:
    """A server on a free port, ended with SIGTERM; log grows with what it says."""
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--store", str(store), *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    log: list[str] = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r"http://\S+", line):
            break
    else:
        raise AssertionError("".join(log))
    reader = Thread(target=log.extend, args=(process.stderr,))
    reader.start()
    try:
        yield Served(found[0], process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        reader.join()
        process.stderr.close()
