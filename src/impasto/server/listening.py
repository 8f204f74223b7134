"""impasto serve: listening on an address until told to stop."""

import socket
from collections.abc import Callable

import uvicorn

from impasto.errors import ServiceError
from impasto.options import ServeOptions
from impasto.server.app import build_app
from impasto.server.desk import Desk
from impasto.server.guards import check_address
from impasto.server.patience import LONGEST_S, protocol


def serve(options: ServeOptions, ready: Callable[[str], None]) -> None:
    """Answers until SIGINT or SIGTERM; `ready` hears the page's address first.

    ServiceError when the address is taken or open to strangers, or the database is not there.
    """
    check_address(options)
    listener = _listen(options)
    with listener:
        host, port = listener.getsockname()[:2]
        app = build_app(Desk(options))
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        config = uvicorn.Config(
            app,
            http=protocol(min(LONGEST_S, float(options.upload_time))),
            ws="none",
            log_config=None,
            access_log=False,  # the guard writes its own
            server_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
            limit_concurrency=2000,
            h11_max_incomplete_event_size=65_536,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # With its protocol named, asyncio sends small answers at once; else each waits 40 ms for the client.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
        listener.listen(2048)  # those who come before we answer wait
    except OSError as error:
        listener.close()
        raise ServiceError(
            f"{options.host} port {options.port} cannot be used ({str(error.strerror).lower()}); "
            "choose another --port"
        ) from error
    listener.set_inheritable(False)
    return listener
