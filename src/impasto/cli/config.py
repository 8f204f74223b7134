"""The config file: the user's own defaults for the options of painting, in TOML.

# ~/.config/impasto/config.toml
size = 1024
quality = "best"
"""

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
from cyclopts import Parameter

from impasto.cli.sentences import complaint
from impasto.errors import OptionError
from impasto.options import StylizeOptions, VideoOptions

Knobs = TypeVar("Knobs", bound=StylizeOptions)
Config = Annotated[
    Path | None,
    Parameter(help="Defaults for these options, in TOML; left out, IMPASTO_CONFIG or your config folder's."),
]


def config_path() -> Path | None:
    """IMPASTO_CONFIG, or config.toml in the user's folder for impasto; None when IMPASTO_CONFIG is empty."""
    named = os.environ.get("IMPASTO_CONFIG")
    if named is not None:
        return Path(named).expanduser() if named else None
    from platformdirs import user_config_path

    return user_config_path("impasto") / "config.toml"


def with_defaults(options: Knobs, config: Path | None) -> Knobs:
    """The options with those that were not given on the command line taken from the config file.

    OptionError for a file that is named and missing, is no TOML, or has a key or value that is none.
    """
    path = config or config_path()
    if path is None or (not path.exists() and config is None and "IMPASTO_CONFIG" not in os.environ):
        return options
    defaults = _read(path)
    given = options.model_dump(include=options.model_fields_set)
    if given.keys() & {"time", "steps"}:  # of two that exclude each other, the command line's stands
        defaults = {key: value for key, value in defaults.items() if key not in ("time", "steps")}
    if isinstance(options, VideoOptions):
        defaults.pop("time", None)  # which is for photos
    return type(options).model_validate(defaults | given)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OptionError(
            f"the config file {path} cannot be read ({error.strerror}); mend its name"
        ) from error
    except ValueError as error:
        raise OptionError(f"{path} is no TOML ({error}); write lines like: size = 1024") from error
    defaults = {key.replace("-", "_"): value for key, value in found.items()}
    for key in defaults:
        if key not in StylizeOptions.model_fields:
            near = get_close_matches(key, StylizeOptions.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else "the options are those of: impasto --help"
            raise OptionError(f"{path} sets {key}, which is no option; {hint}")
    try:
        StylizeOptions.model_validate(defaults)
    except pydantic.ValidationError as error:
        told = "; ".join(complaint(detail).removeprefix("--") for detail in error.errors())
        raise OptionError(f"in {path}, {told}") from error
    return defaults
