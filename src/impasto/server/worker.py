"""impasto worker: a process that paints the jobs of a queue, one after the other."""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

from dbos import DBOS, DBOSClient

from impasto.options import WorkerOptions
from impasto.server.claim import Hands
from impasto.server.database import PAINT, PART, QUEUE, WHOLE, WHOLES, connect, launch, place
from impasto.server.fleet import BEAT_S, Beat, Fleet
from impasto.server.foreman import Foreman
from impasto.server.painter import Painter
from impasto.server.records import records

PUT_BACK_S: Final = 20.0
"""How long a worker that leaves waits for its job to be put back: for one step of a large picture."""

log = logging.getLogger("impasto.worker")


def work(options: WorkerOptions, leave: Event) -> None:
    """Takes jobs until `leave` is set; the job at hand is put back then, for another worker.

    ServiceError when the database cannot be reached or the worker's name is taken.
    """
    store, url = place(options)
    fleet = Fleet(store)
    name, lock = fleet.take_name(options.name)
    store = fleet.own_store(name)
    client = connect(url)
    hands = Hands(leave)
    painter = Painter(store, client, options, hands)
    try:
        _register(painter, Foreman(store, client, options, hands, painter.studio))

        def beat() -> None:
            fleet.beat(Beat(name, fleet.machine, painter.job, painter.painted))

        beat()
        launch(url, name, [QUEUE, WHOLES])
        log.info("worker %s is ready", name)
        while not leave.wait(BEAT_S):
            beat()
            _bring_back(client, name, {each.name for each in fleet.living()})
        log.info("worker %s leaves", name)
    finally:
        leave.set()
        hands.wait_until_empty(PUT_BACK_S)
        DBOS.destroy(destroy_registry=True)
        _bring_back_from(client, lambda worker: worker == name)  # what the queue gave us at the last moment
        client.destroy()
        fleet.leave(name)
        lock.release()


def _register(painter: Painter, foreman: Foreman) -> None:
    for workflow, deed in ((PAINT, painter.paint), (PART, painter.paint), (WHOLE, foreman.see_to)):
        _register_one(workflow, deed)


def _register_one(name: str, deed: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
    @DBOS.step(name=name)
    def step(row_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        return deed(row_id, payload)

    @DBOS.workflow(name=name, max_recovery_attempts=None)  # attempts are counted by the claim
    def workflow(payload: dict[str, Any]) -> dict[str, Any]:
        assert DBOS.workflow_id is not None
        return step(DBOS.workflow_id, payload)


def _bring_back(client: DBOSClient, name: str, living: set[str]) -> None:
    """The first of the living puts the jobs of the dead into their queues again."""
    if name == min(living, default=name):
        _bring_back_from(client, lambda worker: worker not in living)


def _bring_back_from(client: DBOSClient, is_gone: Callable[[str | None], bool]) -> None:
    running = client.list_workflows(
        status="PENDING", queue_name=[QUEUE, WHOLES], load_input=False, load_output=False, limit=1000
    )
    for row in running:
        if is_gone(row.executor_id):
            log.warning(
                "job %s is brought back from worker %s, which is gone", row.workflow_id, row.executor_id
            )
            client.resume_workflow(row.workflow_id, queue_name=row.queue_name)


def main() -> None:
    """A worker of a server on the same machine: options as a line on standard input, whose end is its own."""
    options = WorkerOptions.model_validate(json.loads(sys.stdin.readline()))
    leave = Event()

    def until_the_server_ends() -> None:
        with suppress(OSError, ValueError):
            sys.stdin.read()
        leave.set()

    Thread(target=until_the_server_ends, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)  # the page answers while all cores paint
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server, too, which tells us
    signal.signal(signal.SIGTERM, lambda *_: leave.set())
    with records():
        work(options, leave)
    end_process()


def end_process() -> None:
    """At once: a job that was put back has a thread that would wait for another worker to end it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
