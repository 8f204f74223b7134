"""Writes docs/options.md from the options models, so that page and program cannot differ.

python tools/options_page.py            # write it
python tools/options_page.py --check    # fail if it is out of date
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from impasto.options import (
    ColorizeOptions,
    Options,
    ServeOptions,
    StylizeOptions,
    TrainColorizerOptions,
    TrainPainterOptions,
    TrainStyleOptions,
    VideoOptions,
    WorkerOptions,
)

PAGE = Path(__file__).parents[1] / "docs/options.md"
HEAD = """# Options of `impasto PHOTO STYLE`

Made by `tools/options_page.py` from `impasto.options`; the same names are the keyword arguments of
`impasto.stylize`, the keys of the recipe in a picture, and those of a job's options in the [API](api.md).
"""
TABLE = """
| option | values | default | what it does |
|---|---|---|---|
"""
MORE: dict[str, type[Options]] = {
    "impasto colorize": ColorizeOptions,
    "impasto train colorizer": TrainColorizerOptions,
    "impasto train painter": TrainPainterOptions,
    "impasto train style": TrainStyleOptions,
    "impasto serve": ServeOptions,
    "impasto worker": WorkerOptions,
}

FILM = """
## Options of `impasto video FILM STYLE`

All of the above but `--time`, and these; `--colorize`, and with it `--coloring.temperature` and all others of
`impasto colorize` that are about colours:
"""


def row(name: str, schema: dict[str, Any]) -> str:
    kind = next((s for s in schema.get("anyOf", []) if s["type"] != "null"), schema)
    if "enum" in kind:
        values = ", ".join(kind["enum"])
    elif "examples" in kind:
        values = "like " + ", ".join(kind["examples"])
    elif kind["type"] == "array":
        values = "any number" + "".join(f", like {one}" for one in kind["items"].get("examples", ()))
    else:
        low = kind.get("minimum", kind.get("exclusiveMinimum"))
        high = kind.get("maximum", kind.get("exclusiveMaximum"))
        bounds = {
            (True, True): f"{low} to {high}",
            (True, False): f"{low} or more",
            (False, False): kind.get("format", ""),
        }
        values = f"{kind['type']} {bounds[low is not None, high is not None]}".strip()
    default = schema.get("default")
    if default is None or default == []:
        default = ""
    elif "4GB" in kind.get("examples", ()):
        default = f"{default / 1e6:g}MB"
    elif "30s" in kind.get("examples", ()):
        default = f"{default:g}s"
    return f"| `--{name.replace('_', '-')}` | {values} | {default} | {schema['description']} |\n"


def table(options: type[Options], told: type[Options] = Options) -> str:
    """A row an option, without those that were told of another model."""
    before = told.model_json_schema()["properties"]
    rows = options.model_json_schema()["properties"].items()
    return TABLE + "".join(row(name, schema) for name, schema in rows if before.get(name) != schema)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    page = HEAD + table(StylizeOptions) + FILM + table(VideoOptions, StylizeOptions)
    for command, options in MORE.items():
        page += f"\n## Options of `{command}`\n" + table(options)
    if not parser.parse_args().check:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        sys.exit("docs/options.md is out of date; run: python tools/options_page.py")


if __name__ == "__main__":
    main()
