"""What the server tells of itself: health, styles, options; and the page's session."""

import io
from functools import cache
from importlib.metadata import version
from pathlib import Path as File
from typing import Annotated, Any, Final, Literal, get_args

from fastapi import Body, Path, Request, Response
from PIL import Image
from pydantic import BaseModel, Field

from impasto.errors import ServiceError
from impasto.media.cards import read_card
from impasto.media.gallery import builtin_styles
from impasto.server.access import AtDesk, Owner
from impasto.server.guards import COOKIE, allowed
from impasto.server.requests import Container
from impasto.server.served import ServedColors, ServedFilm, ServedOptions

_COOKIE_S: Final = 30 * 86400


class Health(BaseModel):
    """no workers: jobs are accepted and kept, and nobody is there to paint them yet."""

    status: Literal["ok", "no workers"]
    version: str
    workers: int


class Style(BaseModel):
    """A built-in style."""

    name: str
    title: str
    artist: str
    year: str


class Limits(BaseModel):
    """What this server allows."""

    max_upload_bytes: int
    max_pixels: int
    max_size_px: int
    max_frames: int
    max_time_s: float
    max_film_time_s: float
    jobs_per_client: int
    keep_days: int


class OptionsPage(BaseModel):
    """The options of each verb as a JSON schema, what a film can become, and the limits."""

    verbs: dict[str, dict[str, Any]]
    containers: list[str]
    limits: Limits


class Token(BaseModel):
    token: Annotated[str, Field(min_length=1, max_length=200)]


def health(desk: AtDesk) -> Health:
    """Whether the server answers, and how many workers are alive; needs no token."""
    workers = len(desk.fleet.living())
    return Health(status="ok" if workers else "no workers", version=version("impasto"), workers=workers)


def metrics(desk: AtDesk, owner: Owner) -> Response:  # noqa: ARG001 - a token is needed
    """For Prometheus."""
    living = desk.fleet.living()
    numbers = {f'impasto_jobs{{state="{state}"}}': count for state, count in desk.jobs.unfinished().items()}
    numbers |= {
        "impasto_workers": len(living),
        "impasto_workers_busy": sum(beat.job is not None for beat in living),
        "impasto_store_bytes": desk.store.used_bytes(),
    }
    numbers |= {f'impasto_painted_total{{worker="{beat.name}"}}': beat.painted for beat in living}
    lines = [
        "# TYPE impasto_jobs gauge",
        "# TYPE impasto_workers gauge",
        "# TYPE impasto_workers_busy gauge",
        "# TYPE impasto_store_bytes gauge",
        "# TYPE impasto_painted_total counter",
        *(f"{name} {number}" for name, number in numbers.items()),
    ]
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def open_session(desk: AtDesk, request: Request, given: Annotated[Token, Body()]) -> Response:
    """Keeps a token in a cookie that scripts cannot read, for the page."""
    response = Response(status_code=204)
    if not desk.options.token:
        return response
    if not allowed(given.token, desk.options.token):
        raise ServiceError("this token is not one of the server's; check it for typing mistakes", 401)
    encrypted = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, given.token, httponly=True, samesite="strict", secure=encrypted, max_age=_COOKIE_S
    )
    return response


def close_session() -> Response:
    """Forgets the token."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
    return response


@cache
def _styles() -> tuple[Style, ...]:
    cards = ((name, read_card(path)) for name, path in builtin_styles().items())
    return tuple(Style(name=name, title=c.title, artist=c.artist, year=c.year) for name, c in cards)


def list_styles(owner: Owner) -> list[Style]:  # noqa: ARG001
    """The built-in styles."""
    return list(_styles())


@cache
def _thumbnail(path: File) -> bytes:
    png = io.BytesIO()
    Image.fromarray(read_card(path).thumbnail).save(png, "PNG")
    return png.getvalue()


def thumbnail(
    owner: Owner,  # noqa: ARG001
    name: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,64}$")],
) -> Response:
    """The painting of a built-in style, small."""
    if name not in builtin_styles():
        raise ServiceError(f"there is no built-in style {name}; list them with GET /api/styles", 404)
    kept = {"cache-control": "private, max-age=86400"}
    return Response(_thumbnail(builtin_styles()[name]), media_type="image/png", headers=kept)


def options_page(desk: AtDesk, owner: Owner) -> OptionsPage:  # noqa: ARG001
    """Every option with its range, default and sentence, and what this server allows."""
    options = desk.options
    return OptionsPage(
        verbs={
            "stylize": ServedOptions.model_json_schema(),
            "colorize": ServedColors.model_json_schema(),
            "video": ServedFilm.model_json_schema(),
        },
        containers=list(get_args(Container)),
        limits=Limits(
            max_upload_bytes=int(float(options.max_upload)),
            max_pixels=options.max_pixels,
            max_size_px=options.max_size,
            max_frames=options.max_frames,
            max_time_s=float(options.max_time),
            max_film_time_s=float(options.max_film_time),
            jobs_per_client=options.jobs_per_client,
            keep_days=options.keep_days,
        ),
    )
