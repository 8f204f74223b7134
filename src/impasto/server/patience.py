"""HTTP with a deadline for headers, so that clients who never finish a request keep no line open."""

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_S: Final = 10.0


def protocol(longest_s: float) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1 that hangs up when the headers of a request take longer than that to arrive.

    The line may be idle between requests for as long as uvicorn's keep-alive allows.
    """

    class HeadersInTime(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_headers()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
                self._await_headers()
            else:
                self._stop_waiting()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _await_headers(self) -> None:
            """More of them do not give more time."""
            if self._deadline is None:
                self._deadline = self.loop.call_later(longest_s, self.transport.close)

        def _stop_waiting(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return HeadersInTime
