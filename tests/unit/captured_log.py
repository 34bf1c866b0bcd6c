import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import structlog

from postroom.entrypoints.telemetry.logging import configure_logging


@contextmanager
def captured_log(log_format: Literal["json", "console"] = "json") -> Iterator[io.StringIO]:
    """Logs as a process writes them; the logging of the test run is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    out = io.StringIO()
    configure_logging(log_format, stream=out)
    try:
        yield out
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]
