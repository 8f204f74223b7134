"""What every answer needs: the desk, and whose it is."""

from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import BaseModel

from impasto.server.desk import Desk
from impasto.server.guards import owner_of
from impasto.server.store import ID_PATTERN


class Problem(BaseModel):
    """What went wrong and what mends it."""

    error: str


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


Owner = Annotated[str, Depends(owner_of)]
AtDesk = Annotated[Desk, Depends(desk_of)]
Id = Annotated[str, Path(pattern=ID_PATTERN)]
