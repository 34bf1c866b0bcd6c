"""Logs: JSON lines on standard error, or text for a person who watches.

Own events pass `privacy.loggable`. Lines of libraries are reduced further, since nobody can know
what they quote: see `_reduce_foreign`.
"""

import json
import logging
import sys
from typing import Literal, TextIO

import structlog
from opentelemetry import trace
from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict, Processor, WrappedLogger

from postroom.entrypoints.telemetry.privacy import error_fields, loggable
from postroom.entrypoints.telemetry.seldom import Seldom, SeldomEvents

QUIETED = ("httpx", "httpcore", "uvicorn.access")
"""They write a line for each request, with its URL: `/users/alice@example.org/messages/…`."""

READ = frozenset({"asyncio", "psycopg.pool", "uvicorn.error"})
"""Libraries whose log lines were read: the first line of each tells nothing of mail."""


def configure_logging(
    log_format: Literal["json", "console"] = "json", *, stream: TextIO | None = None
) -> None:
    """Set up structlog, and the standard library's logging for the libraries that use it."""
    out = stream or sys.stderr
    own: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_context,
        _reduce_error,
        _loggable,
    ]
    render = _renderer(log_format, colours=out.isatty())
    structlog.configure(
        processors=[SeldomEvents(), *own, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,  # so that a later call of this function is heeded
    )
    _route_libraries(out, [_reduce_foreign, *own], render)


def _renderer(log_format: Literal["json", "console"], *, colours: bool) -> Processor:
    if log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=colours)
    return _as_json


def _route_libraries(out: TextIO, prepare: list[Processor], render: Processor) -> None:
    handler = logging.StreamHandler(out)
    handler.addFilter(Seldom())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=prepare, processors=[render], pass_foreign_args=True
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in QUIETED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # `disabled` is reset by others


def _add_trace_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _reduce_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell an exception by its class and place: its message may quote anything."""
    exc_info = event.pop("exc_info", None)
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if error is True:
        error = sys.exception()
    if isinstance(error, BaseException):
        event.update(error_fields(error))
    return event


def _reduce_foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell where a library spoke, and what it said only so far as that is known to be harmless.

    That is: the line, if the library's lines were read; else the line's template, a constant of
    the source, without its arguments. A line put together beforehand is withheld.
    """
    record: logging.LogRecord = event["_record"]
    if record.name in READ:
        said = str(event["event"]).partition("\n")[0]
    else:
        said = str(record.msg) if event["positional_args"] else "(withheld)"
    reduced: EventDict = {
        "event": said,
        "logger": record.name,
        "where": f"{record.filename}:{record.lineno} {record.funcName}",
    }
    if "exc_info" in event:
        reduced["exc_info"] = event["exc_info"]
    return reduced


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return to_json(event).decode()
    except PydanticSerializationError:  # half a surrogate pair, such as in the name of a file
        return json.dumps(event)


def _loggable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return loggable(event)
