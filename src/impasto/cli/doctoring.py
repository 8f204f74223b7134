"""impasto doctor: a line for each finding, and a verdict."""

from itertools import chain

from rich.table import Table
from rich.text import Text

from impasto.cli.config import config_path, with_defaults
from impasto.cli.console import Voice, plain
from impasto.cli.exits import Exit
from impasto.doctor import Finding, examine
from impasto.errors import OptionError
from impasto.options import StylizeOptions

MARKS = {"well": ("✓", "green"), "ill": ("✗", "bold red")}


def show_examination(voice: Voice) -> Exit:
    """Tells each finding as it comes; the exit code is 0 when all is well."""
    console = plain(quiet=voice.quiet or voice.json)
    findings = []
    for finding in chain([_config()], examine()):
        findings.append(finding)
        voice.tell("finding", **vars(finding))
        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(width=9)
        row.add_column()
        mark, color = MARKS[finding.verdict]
        row.add_row(Text(mark, color), finding.subject, Text(finding.text))
        console.print(row, soft_wrap=False)
    ill = [finding.subject for finding in findings if finding.verdict == "ill"]
    verdict = f"{len(ill)} of {len(findings)} are ill: {', '.join(ill)}" if ill else "impasto is well"
    console.print(verdict)
    voice.tell("verdict", well=not ill, message=verdict)
    return Exit.DEFECT if ill else Exit.DONE


def _config() -> Finding:
    path = config_path()
    facts = {"path": str(path)}
    if path is None:
        return Finding("config", "well", "none is wanted, IMPASTO_CONFIG is empty")
    try:
        found = with_defaults(StylizeOptions(), None)
    except OptionError as error:
        return Finding("config", "ill", str(error), facts)
    if not path.exists():
        return Finding("config", "well", f"none; it would be {path}", facts)
    keys = ", ".join(sorted(found.model_fields_set)) or "nothing"
    return Finding("config", "well", f"{path} sets {keys}", facts)
