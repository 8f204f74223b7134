"""The jobs' database: DBOS on SQLite or PostgreSQL.

A job is a DBOS workflow: a row that is there before the client hears "accepted", that one worker at a time
owns, and whose end only its owner can write. What is in it is JSON, never pickles.
"""

import hashlib
from pathlib import Path
from typing import Final

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from platformdirs import user_data_path
from sqlalchemy.exc import SQLAlchemyError

from impasto.errors import ServiceError
from impasto.options import QueueOptions
from impasto.server.remote import Remote
from impasto.server.store import Store

QUEUE: Final = "paintings"
"""What is painted, one at a time in each worker."""
WHOLES: Final = "wholes"
"""Films and batches, whose parts are in the other queue; to see to them takes nearly nothing."""
PAINT: Final = "paint"
WHOLE: Final = "see to the whole"
PART: Final = "paint a part"
JOBS: Final = [PAINT, WHOLE]
"""The workflows that clients know; parts are nobody's but their whole's."""
VERSION: Final = "1"
"""Fixed, so that jobs of an older impasto are painted by a newer one."""
POLLING_S: Final = 0.5


def place(options: QueueOptions) -> tuple[Store, str]:
    """The store, and the database's URL."""
    home = user_data_path("impasto", appauthor=False) / "server"
    if options.store and "://" in options.store:
        # A folder for each store, and in it one for each process that uses it.
        cache = home / "stores" / hashlib.sha256(options.store.encode()).hexdigest()[:16]
        store = Store(cache / "server", Remote(options.store))
    else:
        store = Store(Path(options.store) if options.store else home)
    return store, options.database or f"sqlite:///{store.root / 'jobs.sqlite'}"


def launch(url: str, name: str, queues: list[str]) -> None:
    """DBOS in this process, its tables made or updated, and the jobs begun again that `name` left behind.

    One painting at a time in each worker, some films and batches, and clients take turns.
    ServiceError when the database cannot be used.
    """
    try:
        DBOS(
            config={
                "name": "impasto",
                "system_database_url": url,
                "executor_id": name,
                "application_version": VERSION,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
            }
        )
        DBOS.listen_queues(queues)
        DBOS.launch()
        for queue, at_once, of_a_client in ((QUEUE, 1, 1), (WHOLES, 8, 2)):
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once,
                partition_worker_concurrency=of_a_client,
                polling_interval_sec=POLLING_S,
                on_conflict="always_update",
            )
    except (SQLAlchemyError, OSError) as reason:
        raise ServiceError(
            f"the database {without_password(url)} cannot be used "
            f"({' '.join(str(reason.__cause__ or reason).split())[:200]}); check --database"
        ) from reason


def prepare_database(url: str) -> None:
    """Makes or updates the tables, for clients; ServiceError when there is no such database."""
    try:
        launch(url, "preparing", [])
    finally:
        DBOS.destroy(destroy_registry=True)


def connect(url: str) -> DBOSClient:
    """A client of a database; it is there when a worker or `prepare_database` has been."""
    return DBOSClient(
        system_database_url=url,
        serializer=DBOSPortableJSONSerializer(),
        system_database_pool_size=8,
        lazy=True,
    )


def client_of(url: str) -> DBOSClient:
    """A client of a database whose tables are made if nobody has been there; ServiceError if it is none."""
    client = connect(url)
    try:
        client.list_workflows(limit=1)
    except SQLAlchemyError:
        prepare_database(url)
    return client


def without_password(url: str) -> str:
    """A URL that may be shown."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
