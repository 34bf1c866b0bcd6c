"""What may be shown: named fields only, of plain types, short, and without an address in them.

A field that is not on the list is withheld from every log line, and only its name is shown. So a
careless `log.info("fetched", subject=…)` shows `withheld=["subject"]`, to whoever reads it and to
nobody else. To log a new fact, add its name here, and think of whose fact it is.
"""

import traceback
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from postroom.domain.addresses import without_addresses

LOGGED = frozenset(
    {
        # the line itself
        *("event", "level", "timestamp", "logger", "trace_id", "span_id"),
        # who and where: short names that an operator chose, and the providers' own ids
        *("tenant", "mailbox", "provider", "job", "subscription_id", "message_id", "history_id"),
        *("pubsub_message_id", "folder", "uid", "uid_validity"),
        # what happened
        *("attempt", "outcome", "effect", "reason", "count", "result", "check"),
        *("until", "missed", "source", "mailboxes", "crashes"),
        *("since", "last_beat", "folders", "dead_letters"),
        # what went wrong
        *("error", "where", "method", "route", "status"),
        # processes
        *("part", "exit_code", "exit", "dead", "signal", "host", "port", "concurrency"),
        *("seconds", "waiting", "engine", "restart_in", "log"),
        "max_connections",
        "repeated",
        # handovers
        *("application", "handover", "unsure", "charged", "fallback", "processor", "subscriber"),
    }
)

MAX_TEXT = 500
"""Characters of one field that are shown."""

Plain = str | int | float | bool | None

_FRAMES = 4


def loggable(fields: Mapping[str, object]) -> dict[str, Plain | list[str]]:
    """Those of *fields* that may be shown, and the names of the others under `withheld`."""
    shown: dict[str, Plain | list[str]] = {}
    withheld = []
    for name, value in fields.items():
        if name in LOGGED:
            shown[name] = plain(value)
        else:
            withheld.append(name)
    if withheld:
        shown["withheld"] = sorted(withheld)
    return shown


def plain(value: object) -> Plain:
    """*value* as it may be shown: an object of any other type may hold anything, and is not."""
    match value:
        case str():
            return without_addresses(value[:MAX_TEXT])
        case int() | float() | None:
            return value
        case datetime():
            return value.isoformat()
        case _:
            return f"({type(value).__name__})"


def error_fields(error: BaseException) -> dict[str, str]:
    """Which error, and where in the code: never its message, which may quote what it choked on."""
    return {"error": error_type(error), "where": _innermost(error)}


def error_type(error: BaseException) -> str:
    """The error's class, with its module unless that is `builtins`."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def _innermost(error: BaseException) -> str:
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in islice(frames, _FRAMES)
    )
