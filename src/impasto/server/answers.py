"""What the API answers about uploads and jobs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path as File
from typing import Annotated, Final

from fastapi import File as FormFile
from fastapi import Header, Query, Response, UploadFile
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from impasto.errors import ServiceError
from impasto.server.access import AtDesk, Id, Owner
from impasto.server.admission import plain_name
from impasto.server.jobs import Job
from impasto.server.requests import MOST_PICTURES, JobRequest
from impasto.server.store import PREVIEW, SHOWN, Upload, new_id, numbered, read_outcome

MEDIA_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".jpeg": "image/jpeg",
    ".bmp": "image/bmp",
    ".heic": "image/heic",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".zip": "application/zip",
}
_CHUNK_BYTES: Final = 1 << 20
Number = Annotated[
    int | None, Query(ge=0, lt=MOST_PICTURES, description="Of a batch: which of its paintings, from 0.")
]


async def upload(
    desk: AtDesk,
    owner: Owner,
    file: Annotated[UploadFile, FormFile(description="A photo, a painting, a film or a .style card.")],
) -> Upload:
    """Takes in a file. What it is, is decided by decoding it, not by its name."""
    used, room = await run_in_threadpool(desk.store.used_bytes), float(desk.options.max_disk)
    if used > room:
        raise ServiceError("the server's store is full; delete jobs or uploads, or try again later", 507)
    upload_id, name = new_id(), plain_name(file.filename)
    arrived, shown = desk.store.arriving(), desk.store.arriving(".png")
    try:
        size = await run_in_threadpool(_copy, file, arrived)
        if size > float(desk.options.max_upload):
            raise ServiceError(f"{name} has more than {float(desk.options.max_upload) / 1e6:g} MB", 413)
        seen = await desk.examiner.examine(arrived, shown, name)
        record = Upload(id=upload_id, name=name, bytes=size, **seen._asdict())
        await run_in_threadpool(desk.store.keep_upload, owner, record, arrived, shown)
        return record
    finally:
        for path in (arrived, shown):
            path.unlink(missing_ok=True)


def _copy(file: UploadFile, path: File) -> int:
    with path.open("xb") as out:
        while chunk := file.file.read(_CHUNK_BYTES):
            out.write(chunk)
        return out.tell()


def get_upload(desk: AtDesk, owner: Owner, id: Id) -> Upload:  # noqa: A002 - its name in the API
    """What was found in an upload."""
    return desk.store.upload(owner, id)


def shown_upload(desk: AtDesk, owner: Owner, id: Id) -> Response:  # noqa: A002
    """The upload as a PNG of at most 1600 pixels, upright and without what a camera wrote beside it."""
    desk.store.upload(owner, id)
    return FileResponse(desk.store.upload_folder(owner, id) / SHOWN, media_type="image/png")


def delete_upload(desk: AtDesk, owner: Owner, id: Id) -> Response:  # noqa: A002
    """Forgets an upload; jobs that were made from it keep their own."""
    desk.store.delete_upload(owner, id)
    return Response(status_code=204)


def create_job(
    desk: AtDesk,
    owner: Owner,
    response: Response,
    asked: JobRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[\x21-\x7e]{1,200}$",
            description="Sent again with the same body, it gives the same job and makes no second one.",
        ),
    ] = None,
) -> Job:
    """Accepts a job: from now on it will end, whatever is switched off or breaks."""
    job, _ = desk.jobs.create(owner, asked, idempotency_key)
    response.headers["location"] = f"/api/jobs/{job.id}"
    return job


def list_jobs(
    desk: AtDesk,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[Job]:
    """Your jobs, the newest first."""
    return desk.jobs.list(owner, limit, offset)


def get_job(desk: AtDesk, owner: Owner, id: Id) -> Job:  # noqa: A002
    """A job as it is now."""
    return desk.jobs.get(owner, id)


async def events(desk: AtDesk, owner: Owner, id: Id) -> Response:  # noqa: A002
    """The job now and after each change, as server-sent events named job, until it has ended."""
    await run_in_threadpool(desk.jobs.get, owner, id)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        try:
            async for job in desk.watch(owner, id):
                yield ServerSentEvent(job.model_dump_json(), event="job")
        except ServiceError:  # deleted meanwhile
            yield ServerSentEvent(json.dumps({"id": id}), event="gone")

    return EventSourceResponse(stream(), ping=15)


def shown_photo(desk: AtDesk, owner: Owner, id: Id, picture: Number = None) -> Response:  # noqa: A002
    """The photo of a job, or a film's first frame, as a PNG of at most 1600 pixels."""
    desk.jobs.get(owner, id)
    path = desk.store.newest(desk.store.job_folder(owner, id) / numbered(SHOWN, picture))
    if not path.is_file():
        raise ServiceError("there is no photo of that number; they count from 0, and in batches only", 404)
    return FileResponse(path, media_type="image/png")


def preview(desk: AtDesk, owner: Owner, id: Id, picture: Number = None) -> Response:  # noqa: A002
    """The painting as it is, or as it became, as a JPEG of at most 720 pixels."""
    desk.jobs.get(owner, id)
    path = desk.store.newest(desk.store.job_folder(owner, id) / numbered(PREVIEW, picture))
    if not path.is_file():
        raise ServiceError("there is nothing to see yet; ask again when progress says previews: 1", 404)
    return FileResponse(path, media_type="image/jpeg")


def result(
    desk: AtDesk,
    owner: Owner,
    id: Id,  # noqa: A002
    picture: Number = None,
    download: bool = False,
) -> Response:
    """The finished painting, or all of a batch as a zip; with download=true browsers save it under a name."""
    job = desk.jobs.get(owner, id)
    found = read_outcome(desk.store.at_hand(owner, id), picture)  # a batch's are there before it ends
    painting = job.painting if picture is None else (found or {}).get("painting")
    if painting is None:
        raise ServiceError(f"this job is {job.state}, so there is no painting; wait for done", 409)
    path = desk.store.job_folder(owner, id) / painting
    name = _download_name(job, path.suffix, picture) if download else None
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=name)


def _download_name(job: Job, suffix: str, picture: int | None) -> str:
    if picture is not None and picture < len(job.pictures):
        return job.pictures[picture].name + suffix
    styles = "-".join(style.partition(":")[0] for style in job.task.get("styles", ()))
    return f"{File(job.title).stem}-{styles or 'color'}{suffix}"


def stop(desk: AtDesk, owner: Owner, id: Id) -> Job:  # noqa: A002
    """Finishes a running job now; the painting so far becomes its result."""
    return desk.jobs.stop(owner, id)


def cancel(desk: AtDesk, owner: Owner, id: Id) -> Job:  # noqa: A002
    """Ends a job without a painting, in whatever state it is; one that has ended stays as it is."""
    return desk.jobs.cancel(owner, id)


def delete_job(desk: AtDesk, owner: Owner, id: Id) -> Response:  # noqa: A002
    """Cancels a job where that is still possible, and forgets it with its files."""
    desk.jobs.delete(owner, id)
    return Response(status_code=204)
