"""What happened, line by line, and which rules it broke."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import structlog
from structlog.typing import EventDict

from tests.simulation.process import PROCESS

UNFORESEEN = "no error is unforeseen"
AS_ONE = "an outage is told as an outage"

BUGS = frozenset(
    {
        *("job crashed", "sync crashed", "sweep crashed", "listener crashed", "crashed"),
        *("dispatcher crashed", "handover crashed", "call crashed"),
    }
)
"""Log events of errors that nobody foresaw."""

INFO = 20


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    detail: str
    at: float = 0.0

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"

    @property
    def pattern(self) -> str:
        """The same for all that differ in nothing but numbers and mailboxes."""
        return re.sub(r"-?[0-9.]+|(acme|beta|gamma)/\w+", "…", str(self))[:160]


LEFT_OUT = frozenset({"message_id", "subscription_id", "provider", "pubsub_message_id"})
"""Fields that tell a reader nothing beside the others."""

SHOWN_OF_AN_ID = 8


@dataclass
class Trace:
    """*names* are what jobs are called, by their ids."""

    lines: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def log(self, event: str, **fields: object) -> None:
        process = PROCESS.get()
        now = asyncio.get_running_loop().time()
        said = self._said(fields)
        self.lines.append(f"{now:10.3f} {process.name if process else '-':<11} {event} {said}")
        if event in BUGS:
            is_failure = ".failure." in str(fields.get("error"))
            self.violate(AS_ONE if is_failure else UNFORESEEN, f"{event}: {said}")

    def _said(self, fields: dict[str, object]) -> str:
        if job := fields.pop("job", None):
            fields["of"] = self.names.get(str(job), str(job)[:SHOWN_OF_AN_ID])
        shown = {name: value for name, value in fields.items() if name not in LEFT_OUT}
        return " ".join(f"{name}={value}" for name, value in sorted(shown.items()))

    def violate(self, rule: str, detail: str) -> None:
        self.violations.append(Violation(rule, detail, asyncio.get_running_loop().time()))

    @property
    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode()).hexdigest()[:16]

    @property
    def rules(self) -> set[str]:
        return {each.rule for each in self.violations}


@contextmanager
def captured(trace: Trace) -> Iterator[None]:
    """What Postroom logs is the trace."""

    def capture(_logger: object, _method: str, event: EventDict) -> EventDict:
        fields: dict[str, Any] = {key: value for key, value in event.items() if key != "event"}
        trace.log(str(event["event"]), **fields)
        raise structlog.DropEvent

    wrapper = structlog.make_filtering_bound_logger(INFO)
    structlog.configure(processors=[capture], wrapper_class=wrapper)
    try:
        yield
    finally:
        structlog.reset_defaults()
