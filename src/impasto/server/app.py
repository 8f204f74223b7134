"""The REST API, its routes as data, and the page beside it."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from impasto.errors import ImpastoError, ServiceError
from impasto.options import objection
from impasto.server import about, answers
from impasto.server.about import Health, OptionsPage, Style
from impasto.server.access import Problem
from impasto.server.desk import Desk
from impasto.server.guards import Guard
from impasto.server.jobs import Job
from impasto.server.requests import NO_VERB, VERBS
from impasto.server.store import Upload

CLEAN_UP_EVERY_S: Final = 3600.0

log = logging.getLogger("impasto.server")


class Way(NamedTuple):
    """A route: what it answers when all is well, and the statuses of what may be refused."""

    method: str
    path: str
    does: Callable[..., Any]
    status: int = 200
    gives: Any = None
    problems: tuple[int, ...] = ()
    media: str | None = None


WAYS: Final = (
    Way("GET", "/health", about.health, gives=Health),
    Way("GET", "/metrics", about.metrics, problems=(401,), media="text/plain; version=0.0.4"),
    Way("POST", "/session", about.open_session, 204, problems=(401, 422)),
    Way("DELETE", "/session", about.close_session, 204),
    Way("GET", "/styles", about.list_styles, gives=list[Style], problems=(401,)),
    Way("GET", "/styles/{name}/thumbnail", about.thumbnail, problems=(401, 404, 422), media="image/png"),
    Way("GET", "/options", about.options_page, gives=OptionsPage, problems=(401,)),
    Way("POST", "/uploads", answers.upload, 201, Upload, (401, 408, 413, 422, 507)),
    Way("GET", "/uploads/{id}", answers.get_upload, gives=Upload, problems=(401, 404, 422)),
    Way("GET", "/uploads/{id}/picture", answers.shown_upload, problems=(401, 404, 422), media="image/png"),
    Way("DELETE", "/uploads/{id}", answers.delete_upload, 204, problems=(401, 404, 422)),
    Way("POST", "/jobs", answers.create_job, 201, Job, (401, 404, 409, 413, 422, 429)),
    Way("GET", "/jobs", answers.list_jobs, gives=list[Job], problems=(401, 422)),
    Way("GET", "/jobs/{id}", answers.get_job, gives=Job, problems=(401, 404, 422)),
    Way("GET", "/jobs/{id}/events", answers.events, problems=(401, 404, 422), media="text/event-stream"),
    Way("GET", "/jobs/{id}/photo", answers.shown_photo, problems=(401, 404, 422), media="image/png"),
    Way("GET", "/jobs/{id}/preview", answers.preview, problems=(401, 404, 422), media="image/jpeg"),
    Way("GET", "/jobs/{id}/result", answers.result, problems=(401, 404, 409, 422), media="image/*"),
    Way("POST", "/jobs/{id}/stop", answers.stop, gives=Job, problems=(401, 404, 409, 422)),
    Way("POST", "/jobs/{id}/cancel", answers.cancel, gives=Job, problems=(401, 404, 422)),
    Way("DELETE", "/jobs/{id}", answers.delete_job, 204, problems=(401, 404, 422)),
)


def build_app(desk: Desk) -> FastAPI:
    """The application over a desk, which it opens when it starts and closes when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with desk.open():
            cleaning = asyncio.create_task(_clean_up(desk))
            yield
            cleaning.cancel()

    app = FastAPI(
        title="impasto",
        version=version("impasto"),
        description="Repaints photos with the brush of any painting.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.desk = desk
    app.openapi = lambda: _openapi(app, bool(desk.options.token))  # type: ignore[method-assign]
    app.include_router(_router())
    app.add_exception_handler(ImpastoError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.mount("/", StaticFiles(directory=Path(str(resources.files("impasto.server"))) / "static", html=True))
    app.add_middleware(Guard, options=desk.options)
    return app


def _openapi(app: FastAPI, needs_token: bool) -> dict[str, Any]:
    """The document of this server: tokens are in it where they are asked for."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        if not needs_token:
            document["components"].pop("securitySchemes", None)
            for ways in document["paths"].values():
                for way in ways.values():
                    way.pop("security", None)
                    way["responses"].pop("401", None)
        app.openapi_schema = document
    return app.openapi_schema


def _router() -> APIRouter:
    router = APIRouter(prefix="/api")
    for way in WAYS:
        responses: dict[int | str, dict[str, Any]] = {
            status: {"model": Problem, "description": _PROBLEMS[status]} for status in way.problems
        }
        if way.media is not None:
            responses[200] = {"description": "As it is.", "content": {way.media: {}}}
        router.add_api_route(
            way.path,
            way.does,
            methods=[way.method],
            status_code=way.status,
            response_model=way.gives,
            response_class=Response if way.media or way.status == 204 else JSONResponse,
            responses=responses,
        )
    return router


_PROBLEMS: Final = {
    401: "A token is needed.",
    404: "There is no such thing, or it is another's.",
    408: "The request arrived too slowly.",
    409: "Not in this state.",
    413: "The request is too large.",
    422: "Something in it does not fit.",
    429: "Too many unfinished jobs.",
    507: "The server's store is full.",
}


async def _told(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ServiceError) else 422
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": " ".join(str(error).split()).removesuffix(".")}, status, headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    sentences = []
    for detail in error.errors():
        name = ".".join(str(part) for part in detail["loc"][1:] if part not in VERBS) or "the body"
        sentences.append(detail["msg"] if detail["type"] == NO_VERB else f"{name} {objection(detail)}"[:300])
    return JSONResponse({"error": "; ".join(sentences[:5])}, 422)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence, status, headers = error.detail, error.status_code, error.headers
    methods = _methods(request.url.path)
    if methods and request.method not in methods:  # the page's files lie below the API and would say 404
        sentence, status = f"only {' and '.join(methods)} is possible here", 405
        headers = {"allow": ", ".join(methods)}
    elif status == 400:
        sentence, status = "the body cannot be read; send what docs/api.md shows", 422
    elif status == 404:
        sentence = "there is nothing here; the ways of the API are at /api/openapi.json"
    return JSONResponse({"error": sentence}, status, headers)


def _methods(path: str) -> list[str]:
    """What may be done at a path, all ways together."""
    return sorted(
        {way.method for way in WAYS if re.fullmatch(re.sub(r"{\w+}", "[^/]+", f"/api{way.path}"), path)}
    )


async def _clean_up(desk: Desk) -> None:
    while True:
        try:
            removed = await asyncio.to_thread(desk.jobs.clean_up, 86400.0 * desk.options.keep_days)
            if removed:
                log.info("cleaned up", extra={"facts": {"removed": removed}})
        except Exception:
            log.exception("cleaning up failed; it is tried again in an hour")
        await asyncio.sleep(CLEAN_UP_EVERY_S)
