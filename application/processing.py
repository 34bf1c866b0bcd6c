"""What a Python processor is made of: import it from here.

A processor is an entry point of the group `postroom.processors`. It gets each message inside the
transaction that remembers the message as handled, so that its effect is stored with that, or not
at all. docs/applications/processor.md shows one.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

ENTRY_POINTS = "postroom.processors"


@dataclass(frozen=True, slots=True)
class Done:
    """It is handled; *reference* says what became of it, and is shown wherever the message is."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """There is nothing to do for this one. What was written is stored all the same."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never: a dead letter with that *reason*, which is logged; what was written is rolled back."""

    reason: str


class Busy(Exception):
    """Not now: the mail of the mailbox waits for *retry_after*, an hour at most, at no cost."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class Record(Mapping[str, Any]):
    """Properties of the body, as attributes or items, by their names in snake case."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any part of JSON
        if name.startswith("__") or name == "_values":  # a copy that is being made has none yet
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the mail has no property {name}") from None

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{', '.join(self._values)}>"  # a log is no place for what they hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message, with the properties of `data` in the published schema, in snake case.

    `from` is `from_`. *raw* is the original, each of `email.attachments` has its `content`, and
    `content.original_html` is the HTML as it was sent: all that is a link elsewhere.
    """

    key: str
    tenant: str
    application: str
    mailbox: Record
    identity: Record
    source: Record
    thread: Record
    email: Record = field(repr=False)
    envelope: Record = field(repr=False)
    content: Record = field(repr=False)
    reply: Record | None = field(repr=False)
    automated: Record = field(repr=False)
    authentication: Record | None = field(repr=False)
    defects: Sequence[str]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """*key* is the same whenever the message comes.

    *connection* is psycopg's, in the transaction: as the role `postroom_app`, bound to the tenant.
    It is not to be committed, and what is set on it ends with the call. A plain function gets one
    that has `execute` alone, which returns the rows.
    """

    key: str
    connection: Any = field(repr=False)


Result = Done | Skip | Refuse
Process = Callable[[Mail, Handover], Awaitable[Result] | Result]
