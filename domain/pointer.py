"""Pointers: where a message can be fetched from, never the message itself.

Each provider declares its own, as a frozen dataclass. Its fields are the allow-list of what may lie
in the queue: there is no field for a body, and every text is bounded, so mail cannot slip in.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self, get_type_hints

MAX_TEXT = 1024
"""Characters that any one text of a pointer may have. Providers' ids are about 150 long."""


class InvalidPointer(ValueError):
    """The pointer holds something that no provider sends; the message says which field."""


@dataclass(frozen=True, slots=True)
class Pointer(ABC):
    """Points at one message, or at a folder in which something has changed."""

    provider: ClassVar[str]

    @property
    @abstractmethod
    def key(self) -> tuple[str, ...]:
        """What is the same in every notification of the same thing.

        It begins with what kind of thing that is: `message` and the provider's stable id of it.
        """

    @property
    def source(self) -> str:
        """The source of the message (see `MessageIdentity`), where it is known before the fetch.

        Empty where the provider may give its id to another message later, or this is no message.
        """
        return ""

    @property
    def log_fields(self) -> dict[str, str | int]:
        """The ids by which a log names it: no address, and no path or id that may hold one."""
        return {}

    @property
    def changed_folder(self) -> str | None:
        """The folder whose changes are to be listed; None where this points at one message."""
        return None

    @property
    def messages(self) -> tuple["Pointer", ...]:
        """Messages that are named beside a change; each of them is a job of its own."""
        return ()

    @property
    def changed_to(self) -> int:
        """The number of the change, where its provider numbers all of them in order; else 0."""
        return 0

    def is_reached_by(self, position: str) -> bool | None:  # noqa: ARG002 - most announce no position
        """Whether a sync that has come to *position* has seen what this announces.

        None if that cannot be said.
        """
        return None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, to be shown."""
        return asdict(self)

    def packed(self) -> tuple[Any, ...]:
        """The fields, in their order, as they lie in the queue: JSON that takes little room."""
        return tuple([getattr(self, name) for name in _names(type(self))])

    @classmethod
    def packed_types(cls) -> tuple[Any, ...]:
        """The types of what `packed` returns."""
        hints = get_type_hints(cls)
        return tuple(hints[name] for name in _names(cls))

    @classmethod
    def unpacked(cls, values: Sequence[Any]) -> Self:
        """What was packed. Raises InvalidPointer."""
        return cls(*values)


@dataclass(frozen=True, slots=True)
class UnknownPointer(Pointer):
    """Stands for a pointer that is stored, and of no use here: *values* are those of its fields.

    Its provider is not in this release, or has pointers of other fields, or nothing of it can be
    read (the provider is empty then). It is there to be shown, and no job of it can be made.
    """

    provider: str  # type: ignore[misc]  # each has its own
    values: Mapping[str, Any] = field(hash=False)

    @property
    def key(self) -> tuple[str, ...]:
        raise InvalidPointer(f"this release of Postroom has no such pointer of {self.provider}")

    def as_dict(self) -> dict[str, Any]:
        return dict(self.values)


def check_bounds(pointer: Pointer, *, required: tuple[str, ...]) -> None:
    """Raises InvalidPointer if a text is too long, or a *required* one empty."""
    for name in _names(type(pointer)):
        value = getattr(pointer, name)
        if name in required and not value:
            raise InvalidPointer(f"{name} is empty")
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and len(text) > MAX_TEXT:
                raise InvalidPointer(f"{name} is longer than {MAX_TEXT} characters")


@cache
def _names(pointer: type[Pointer]) -> tuple[str, ...]:
    """Of the fields. They are asked for at every claim, and `fields` takes its time."""
    return tuple(field.name for field in fields(pointer))


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerJob:
    """A promise to fetch, and to process once, whatever *pointer* points at.

    *traceparent* is the W3C trace context of the notification (or empty), so that one trace follows
    the pointer from the webhook into the worker. *backfilled* says that a list by date found it,
    which was asked for as far back as it goes: it is not too old to be handled.
    """

    id: str
    tenant: str
    mailbox: str
    pointer: Pointer
    enqueued_at: datetime
    traceparent: str = ""
    backfilled: bool = False


def job_id(tenant: str, mailbox: str, pointer: Pointer) -> str:
    """The id of the job for *pointer*: the same for every notification of the same thing.

    So a notification that is sent again, or that comes by two transports, is queued once at a time.
    """
    text = "\x1f".join([tenant, mailbox, pointer.provider, *pointer.key])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
