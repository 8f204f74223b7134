"""impasto serve and impasto worker, until they are told to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event

from pydantic import ValidationError

from impasto.cli.console import plain
from impasto.errors import ExtraError, OptionError
from impasto.options import ServeOptions, WorkerOptions


@contextmanager
def serve_extra() -> Iterator[None]:
    """ExtraError when what is imported inside is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraError(
            f"{error.name} is not installed; get it with: pip install 'impasto[serve]'"
        ) from error


def serve_until_stopped(options: ServeOptions) -> None:
    """Answers until Ctrl-C or SIGTERM; jobs that are not done go on at the next start."""
    tokens = [token for token in os.environ.get("IMPASTO_TOKEN", "").split(",") if token]
    if tokens:
        try:
            options = ServeOptions.model_validate(options.model_dump() | {"token": (*options.token, *tokens)})
        except ValidationError as error:
            raise OptionError(
                "IMPASTO_TOKEN holds a token that is none; it takes 16 letters and digits or more"
            ) from error
    with serve_extra():
        from impasto.server.listening import serve
        from impasto.server.records import records

    console = plain(stderr=True)
    with suppress(KeyboardInterrupt), records():
        serve(options, lambda url: console.print(f"impasto is at {url}  (Ctrl-C ends it; jobs are kept)"))


def work_until_stopped(options: WorkerOptions) -> None:
    """Takes jobs until Ctrl-C or SIGTERM; the one at hand goes back into the queue."""
    plain(stderr=True).print("Painting what the queue brings; Ctrl-C puts the job at hand back.")
    with serve_extra():
        from impasto.server.records import records
        from impasto.server.worker import end_process, work
    leave = Event()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: leave.set())
    with records():
        work(options, leave)
    end_process()
