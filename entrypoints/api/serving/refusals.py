"""What is refused before the application sees it: with which response, counted, and logged."""

from collections import Counter
from enum import StrEnum
from http import HTTPStatus

import structlog
from litestar.serialization import encode_json

from postroom.entrypoints.api.problems import (
    BUSY,
    HEADERS_TOO_LARGE,
    INVALID_REQUEST,
    MEDIA_TYPE,
    RETRY_AFTER,
    TIMED_OUT,
    Problem,
)
from postroom.entrypoints.telemetry.instruments import Tally

log = structlog.get_logger()

LOG_EVERY = 10.0
"""Seconds between two lines of one reason: strangers must not fill the log."""


class Refusal(StrEnum):
    """Why: a metric's label."""

    SLOW_HEADERS = "slow_headers"
    SLOW_BODY = "slow_body"
    LARGE_HEADERS = "large_headers"
    MALFORMED = "malformed"  # no HTTP
    NO_ROOM = "no_room"  # of connections, file descriptors or bytes
    ABORTED = "aborted"  # the client has hung up in the middle of a body


def _response(problem: Problem) -> bytes:
    body = encode_json(
        {
            "status": problem.status,
            "type": problem.type,
            "title": problem.title,
            "detail": f"{problem.title}.",
        }
    )
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
        *([f"retry-after: {RETRY_AFTER}"] if problem is BUSY else []),
    ]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


RESPONSES = {
    Refusal.SLOW_HEADERS: _response(TIMED_OUT),
    Refusal.SLOW_BODY: _response(TIMED_OUT),
    Refusal.LARGE_HEADERS: _response(HEADERS_TOO_LARGE),
    Refusal.MALFORMED: _response(INVALID_REQUEST),
    Refusal.NO_ROOM: _response(BUSY),
}


class Refusals:
    """Counts them in *tally*; `log` is called now and then, and says how many there were."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._unlogged: Counter[Refusal] = Counter()
        self._logged_at: dict[Refusal, float] = {}

    def add(self, refusal: Refusal) -> None:
        self._tally.add(1, {"reason": refusal.value})
        self._unlogged[refusal] += 1

    def log(self, now: float) -> None:
        """*now* is in seconds, by any clock that runs on."""
        for refusal, count in list(self._unlogged.items()):
            if now - self._logged_at.get(refusal, -LOG_EVERY) >= LOG_EVERY:
                self._logged_at[refusal] = now
                del self._unlogged[refusal]
                line = log.warning if refusal is Refusal.NO_ROOM else log.info
                line("requests refused", reason=refusal.value, count=count)
