"""The exit codes; docs/command-line.md tells users of them, and they stay as they are."""

from enum import IntEnum


class Exit(IntEnum):
    """What the shell learns."""

    DONE = 0
    DEFECT = 1
    """A bug, whose traceback is shown; and what `impasto doctor` ends with when something is wrong."""
    MISTAKE = 2
    """Something that the user can mend, told in one sentence; nothing was written."""
    SOME_FAILED = 3
    """Of a batch; the others are done."""
    INTERRUPTED = 130
    """By Ctrl-C, before there was anything to keep."""
    UNHEARD = 141
    """Whoever read standard output left."""
