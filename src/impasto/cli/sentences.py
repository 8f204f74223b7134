"""Errors as sentences."""

from typing import TYPE_CHECKING

import pydantic
from cyclopts import CycloptsError

from impasto.errors import ImpastoError
from impasto.options import objection

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def sentence(error: ImpastoError | CycloptsError) -> str:
    """What went wrong, in one line."""
    cause = error.__cause__
    if isinstance(error, CycloptsError) and isinstance(cause, pydantic.ValidationError):
        return "; ".join(complaint(detail) for detail in cause.errors())
    return " ".join(str(error).split()).removesuffix(".")


def complaint(detail: "ErrorDetails") -> str:
    """What pydantic has against the value of one option."""
    words = [part for part in detail["loc"] if isinstance(part, str)]
    name = "--" + words[-1].replace("_", "-") if words else "an argument"
    return f"{name} {objection(detail)}"
