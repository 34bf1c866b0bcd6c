"""An application of the user's: where its messages go, and how."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

INSTALLATION = ""
"""In place of a tenant: the application is the operator's, and serves any tenant."""

KIBIBYTE = 2**10
MEBIBYTE = 2**20

DEFAULT_MAX_BODY = 960 * KIBIBYTE
"""Bytes: under the 1 MiB that nginx refuses by default."""

LARGEST_MAX_BODY = 25 * MEBIBYTE
LONGEST_TIMEOUT = timedelta(seconds=120)

DEFAULT_RETENTION = timedelta(days=7)
LONGEST_RETENTION = timedelta(days=3650)

DEFAULT_FALLBACK_AFTER = timedelta(minutes=15)

OVERLAP = timedelta(hours=24)
"""For so long after a rotation the old secret signs as well."""

SCHEMES = ("https", "http", "postgresql", "python")
SCHEMES_OF_SUBSCRIBERS = ("https", "http", "postgresql", "redis-stream")


class InvalidApplication(ValueError):
    """The application cannot be added as described; the message says what to change."""


class Role(StrEnum):
    """What is handed over to it. A subscriber gets no mail, and an application no events."""

    APPLICATION = "application"
    SUBSCRIBER = "subscriber"


class SetBy(StrEnum):
    """Who has set the URL, and so what it may be: an operator may name any host."""

    OPERATOR = "operator"
    TENANT = "tenant"


class Order(StrEnum):
    NONE = "none"
    MAILBOX = "mailbox"  # one message of a mailbox at a time, in order of acceptance


class WhenUnsure(StrEnum):
    """What becomes of a message when the end of its call is not known."""

    REPEAT = "repeat"
    HOLD = "hold"  # for a person: the application cannot keep a key


class Mode(StrEnum):
    DELIVER = "deliver"
    SHADOW = "shadow"  # all but the call
    OFF = "off"


class BodyKind(StrEnum):
    FULL = "full"
    THIN = "thin"  # no text, HTML, reply or headers: links alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """*tenant* is INSTALLATION, or whose it is; *name* is unique there.

    *destination* is a URL: `https://…` is called, `postgresql://…` has an inbox table, and
    `python:name` is an entry point. The first of *secrets* (`whsec_…`) is the newest.
    *events* are the types that a subscriber wants; all, if there are none.
    *in_flight* bounds the calls at a time, of all workers. *copies* are names of others that get
    every message as well. *fallback* is the name of one that stands in when this one has been down
    for *fallback_after*; empty for none. What was handled is deleted after *retention*.
    """

    tenant: str
    name: str
    destination: str = field(repr=False)  # its path and query may hold a secret
    secrets: tuple[str, ...] = field(default=(), repr=False)
    set_by: SetBy = SetBy.OPERATOR
    role: Role = Role.APPLICATION
    events: tuple[str, ...] = ()
    mode: Mode = Mode.DELIVER
    order: Order = Order.NONE
    when_unsure: WhenUnsure = WhenUnsure.REPEAT
    in_flight: int = 8
    timeout: timedelta = timedelta(seconds=30)
    body: BodyKind = BodyKind.FULL
    max_body: int = DEFAULT_MAX_BODY
    inline_below: int = 0
    max_backlog: int = 10_000
    max_backlog_bytes: int = 5 * 2**30
    retention: timedelta = DEFAULT_RETENTION
    copies: tuple[str, ...] = ()
    fallback: str = ""
    fallback_after: timedelta = DEFAULT_FALLBACK_AFTER
    added_at: datetime
    rotated_at: datetime | None = None
    paused_since: datetime | None = None
    paused_reason: str = ""

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Those that sign: the newest, and beside it, for OVERLAP, the one that it replaced."""
        if self.rotated_at is None or now - self.rotated_at >= OVERLAP:
            return self.secrets[:1]
        return self.secrets[:2]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidApplication(
                f"{self.role.value} {self.name!r}: use 1 to 63 of a-z 0-9 . _ -"
                " (a letter or digit first)"
            )
        schemes = SCHEMES_OF_SUBSCRIBERS if self.is_subscriber else SCHEMES
        if self.scheme not in schemes:
            raise InvalidApplication(f"the destination begins with one of: {', '.join(schemes)}")
        if not self.destination.partition(":")[2]:
            raise InvalidApplication(f"the destination is no more than {self.scheme}:")
        self._check_bounds()

    def _check_bounds(self) -> None:
        bounds: tuple[tuple[str, Any, Any, Any], ...] = (
            ("in_flight", 1, self.in_flight, 1000),
            ("timeout", timedelta(seconds=1), self.timeout, LONGEST_TIMEOUT),
            ("max_body", 16 * KIBIBYTE, self.max_body, LARGEST_MAX_BODY),
            ("inline_below", 0, self.inline_below, self.max_body),
            ("max_backlog", 1, self.max_backlog, 10_000_000),
            ("retention", timedelta(), self.retention, LONGEST_RETENTION),
            ("fallback_after", timedelta(minutes=1), self.fallback_after, timedelta(days=30)),
        )
        for name, least, value, most in bounds:
            if not least <= value <= most:
                what = name.replace("_", "-")
                raise InvalidApplication(f"{what}: use {_shown(least)} to {_shown(most)}")

    @property
    def scheme(self) -> str:
        return self.destination.partition(":")[0]

    @property
    def is_subscriber(self) -> bool:
        return self.role is Role.SUBSCRIBER

    @property
    def is_paused(self) -> bool:
        """By a person."""
        return self.paused_since is not None

    @property
    def is_called(self) -> bool:
        """Whether what waits is handed over now: it is neither in shadow, nor off, nor paused."""
        return self.mode is Mode.DELIVER and not self.is_paused


def _shown(bound: int | timedelta) -> str:
    return f"{bound.total_seconds():g} s" if isinstance(bound, timedelta) else str(bound)
