"""Errors as sentences."""

from typing import TYPE_CHECKING

import pydantic
from cyclopts import CycloptsError

from impasto.errors import ImpastoError

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
    name = "--" + str(detail["loc"][-1]).replace("_", "-") if detail["loc"] else "an argument"
    message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    # Our own sentences say it all.
    return (
        f"{name} {message}" if detail["type"] == "value_error" else f"{name} {message}, not {detail['input']}"
    )
