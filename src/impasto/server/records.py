"""The log: one JSON object a line on standard error; of files it tells ids and sizes, never contents."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "from": record.name,
            "says": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


@contextmanager
def records(level: int = logging.INFO) -> Iterator[None]:
    """For a while, the log of impasto and of the libraries below it goes to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_AsJson())
    handler.addFilter(_not_told_elsewhere)
    root, own, durable = (logging.getLogger(name) for name in (None, "impasto", "dbos"))
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in (root, own, durable)]
    root.handlers[:] = durable.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    own.setLevel(level)
    durable.propagate = False  # it would write a second time
    try:
        yield
    finally:
        for logger, handlers, before_level, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(before_level)
            logger.propagate = propagate


def _not_told_elsewhere(record: logging.LogRecord) -> bool:
    """Rows tell how jobs end, and our error why no database is there; DBOS would add a traceback to each."""
    return not record.getMessage().startswith(
        ("Exception encountered in background workflow", "DBOS failed to launch")
    )
