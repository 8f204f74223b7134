"""What every request passes through: who may ask, how much they may send, and what browsers are told."""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from impasto.errors import ServiceError
from impasto.options import ServeOptions

COOKIE: Final = "impasto_token"
NOBODY_ELSE: Final = "local"
"""The owner of everything on a server without tokens, which only this machine reaches."""
THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON_BYTES: Final = 100_000
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

log = logging.getLogger("impasto.server")


def check_address(options: ServeOptions) -> None:
    """ServiceError when strangers could reach a server that asks for no token."""
    if options.host not in THIS_MACHINE and not options.token:
        raise ServiceError(
            f"on {options.host} others can reach the server; give --token (16 characters or more), "
            "or leave out --host"
        )


def owner_of_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def allowed(token: str | None, tokens: Sequence[str]) -> bool:
    """Compares with every token, in a time that tells nothing."""
    given = (token or "").encode("utf-8", "replace")
    return sum(hmac.compare_digest(given, each.encode()) for each in tokens) > 0


def owner_of(
    request: Request,
    bearer: Annotated[
        HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False, scheme_name="token"))
    ],
    cookie: Annotated[
        str | None, Security(APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session"))
    ],
) -> str:
    """Whose uploads and jobs a request may see; ServiceError 401 without a valid token."""
    tokens = request.app.state.desk.options.token
    if not tokens:
        return NOBODY_ELSE
    token = bearer.credentials if bearer else cookie
    if token is None or not allowed(token, tokens):
        raise ServiceError("a token is needed; send it as Authorization: Bearer TOKEN", 401)
    return owner_of_token(token)


class Guard:
    """Around the whole application: hosts, origins, sizes, times, headers, and a line in the log."""

    def __init__(self, app: ASGIApp, options: ServeOptions) -> None:
        self.app = app
        self.options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refused = self._refusal(scope["method"], Headers(scope=scope))
        try:
            if refused is not None:
                await refused(scope, receive, answer)
            else:
                await self.app(scope, self._bounded(scope, receive), answer)
        finally:
            facts = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(1000 * (time.monotonic() - began), 1),
                "client": (scope.get("client") or ["?"])[0],
            }
            log.info("answered", extra={"facts": facts})

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        """Before anything is read. A page of another site must not drive a server on this machine."""
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if not self.options.token and name not in THIS_MACHINE | {self.options.host}:
            return _problem(f"this server is not {name[:100]}; ask for it by its own address", 400)
        if method not in _SAFE_METHODS:
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != host:
                return _problem("a page of another site may not do this; use the server's own page", 403)
            if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
                return _problem("a page of another site may not do this; use the server's own page", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limit(headers):
            return _problem(self._too_large(headers), 413)
        return None

    def _limit(self, headers: Headers) -> int:
        is_upload = headers.get("content-type", "").startswith("multipart/form-data")
        return int(float(self.options.max_upload)) + _JSON_BYTES if is_upload else _JSON_BYTES

    def _too_large(self, headers: Headers) -> str:
        return f"a request may have {self._limit(headers) / 1e6:g} MB; send a smaller one"

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """The body, as long as it is neither too large nor too slow."""
        headers = Headers(scope=scope)
        limit = self._limit(headers)
        deadline = time.monotonic() + float(self.options.upload_time)
        received = 0
        ended = False

        async def bounded() -> Message:
            nonlocal received, ended
            if ended:
                return await receive()  # until the client goes, which may take long
            try:
                message = await _before(deadline, receive)
            except TimeoutError as error:
                seconds = float(self.options.upload_time)
                sentence = f"the request did not arrive within {seconds:g} s; send a smaller one"
                raise HTTPException(408, sentence) from error
            received += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if received > limit:
                raise HTTPException(413, self._too_large(headers))
            return message

        return bounded


async def _before(deadline: float, receive: Receive) -> Message:
    async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
        return await receive()


def _add_headers(headers: MutableHeaders, path: str) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    if path.startswith("/api/"):
        headers.setdefault("cache-control", "no-store")


def _problem(sentence: str, status: int) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)
