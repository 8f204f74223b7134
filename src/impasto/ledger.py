"""The ledger of a folder: which of its paintings are done, told by what they were made from.

A file of JSON lines in the folder itself, one for each painting. A line that a kill cut off counts for
nothing: its painting is made again.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from impasto.errors import OutputError, PictureError
from impasto.media.cards import sha256_of
from impasto.media.files import write_whole
from impasto.recipes import hashes_of_inputs
from impasto.tasks import StylizeTask

LEDGER_NAME: Final = ".impasto-ledger.jsonl"


class Ledger:
    """Opened for a folder that exists; OutputError when its file cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LEDGER_NAME
        self._lines: dict[str, dict[str, str]] = {}
        try:
            found = self.path.read_text("utf-8", errors="replace").splitlines() if self.path.exists() else []
        except OSError as error:
            raise OutputError(f"{self.path} cannot be read ({error.strerror}); mend or delete it") from error
        for line in found:
            self._keep(line)
        whole = "".join(_as_line(entry) for entry in self._lines.values())
        if self._lines or found:
            write_whole(self.path, lambda file: file.write(whole.encode()))

    def knows(self, output: Path) -> bool:
        """Whether the painting was made by a batch, from whatever."""
        return self._name(output) in self._lines

    def is_done(self, task: StylizeTask) -> bool:
        """Whether the task's output is there, byte for byte as it was painted from the very same inputs.

        PictureError when an input cannot be read.
        """
        assert task.output is not None
        entry = self._lines.get(self._name(task.output))
        return (
            entry is not None
            and task.output.is_file()
            and entry["made_from"] == fingerprint(task)
            and entry["sha256"] == sha256_of(task.output)
        )

    def add(self, output: Path, made_from: str) -> None:
        """Notes that a painting is there; made_from: the fingerprint of its task before it was painted."""
        entry = {"output": self._name(output), "made_from": made_from, "sha256": sha256_of(output)}
        self._lines[entry["output"]] = entry
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_as_line(entry))
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written ({error.strerror}); make room") from error

    def _name(self, output: Path) -> str:
        return output.relative_to(self.folder).as_posix()

    def _keep(self, line: str) -> None:
        try:
            entry = {key: str(json.loads(line)[key]) for key in ("output", "made_from", "sha256")}
        except (ValueError, KeyError, TypeError):
            return
        self._lines[entry["output"]] = entry


def fingerprint(task: StylizeTask) -> str:
    """One hash of all that decides the pixels: the options, and the bytes of every file, not their names.

    PictureError when one cannot be read.
    """
    wishes = task.model_dump(
        mode="json", exclude={"photo": True, "output": True, "styles": True, "options": {"max_pixels"}}
    )
    shares = [choice.weight for choice in task.styles]
    weights = task.options.weights
    try:
        parts = [wishes, shares, hashes_of_inputs(task), sha256_of(weights) if weights else None]
    except OSError as error:
        raise PictureError(f"{error.filename} cannot be read ({error.strerror}); check its name") from error
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _as_line(entry: dict[str, str]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
