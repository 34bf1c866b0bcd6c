"""Pointers: where a message can be fetched from, never the message itself.

The fields here are the allow-list of what may lie in the queue. There is no field for a body, and
every text is bounded, so mail cannot slip in.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never, get_args

MAX_TEXT = 1024
"""Characters that any one text of a pointer may have. Graph's ids are about 150 long."""


MAX_MESSAGE_IDS = 500
"""Message ids that one pointer may hold: history.list returns at most 500 a page."""


class InvalidPointer(ValueError):
    """The pointer holds something that no provider sends; the message says which field."""


@dataclass(frozen=True, slots=True)
class MicrosoftPointer:
    """A message at Graph: *message_id* is its immutable id.

    *subscription_id* is what a notification told of it under, and *resource* the path in that
    notification; both are empty if it was listed.
    """

    subscription_id: str
    message_id: str
    resource: str = ""
    provider: Literal["microsoft"] = "microsoft"

    def __post_init__(self) -> None:
        _bound(self, required=("message_id",))


@dataclass(frozen=True, slots=True)
class GooglePointer:
    """A Gmail notification: the mailbox *address* has changed up to *history_id*.

    With no *message_ids* it stands for all that the history lists; with one it is that message.
    """

    history_id: int
    address: str
    pubsub_message_id: str = ""
    message_ids: tuple[str, ...] = ()
    provider: Literal["google"] = "google"

    def __post_init__(self) -> None:
        if self.history_id < 1:
            raise InvalidPointer("history_id must be a positive number")
        if len(self.message_ids) > MAX_MESSAGE_IDS:
            raise InvalidPointer(f"message_ids may hold {MAX_MESSAGE_IDS} ids at the most")
        _bound(self, required=("address",))


@dataclass(frozen=True, slots=True)
class ImapPointer:
    """A message by RFC 9051 section 2.3.1.1: *uid* means nothing without *uid_validity*."""

    folder: str
    uid: int
    uid_validity: int
    message_id: str = ""
    provider: Literal["imap"] = "imap"

    def __post_init__(self) -> None:
        for name in ("uid", "uid_validity"):
            if not 0 < getattr(self, name) < 2**32:  # RFC 9051 section 9, nz-number
                raise InvalidPointer(f"{name} must be between 1 and 4294967295")
        _bound(self, required=("folder",))


Pointer = MicrosoftPointer | GooglePointer | ImapPointer

PROVIDERS: tuple[str, ...] = tuple(
    kind.__dataclass_fields__["provider"].default for kind in get_args(Pointer)
)
"""The names of all providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerJob:
    """A promise to fetch, and to process once, whatever *pointer* points at.

    *traceparent* is the W3C trace context of the notification (or empty), so that one trace follows
    the pointer from the webhook into the worker.
    """

    id: str
    tenant: str
    mailbox: str
    pointer: Pointer
    enqueued_at: datetime
    traceparent: str = ""


def job_id(tenant: str, mailbox: str, pointer: Pointer) -> str:
    """The id of the job for *pointer*: the same for every notification of the same thing.

    So a notification that is sent again, or that two ways announce, is queued once at a time.
    """
    key: tuple[str, ...]
    match pointer:
        case MicrosoftPointer(message_id=message):
            key = ("message", message)
        case GooglePointer(message_ids=(message,)):
            key = ("message", message)
        case GooglePointer(history_id=history, message_ids=messages):
            key = ("history", str(history), *messages)
        case ImapPointer(folder=folder, uid=uid, uid_validity=validity):
            key = ("message", folder, str(validity), str(uid))
        case _:
            assert_never(pointer)
    text = "\x1f".join([tenant, mailbox, pointer.provider, *key])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _bound(pointer: Pointer, *, required: tuple[str, ...]) -> None:
    for name in pointer.__slots__:
        value = getattr(pointer, name)
        if name in required and not value:
            raise InvalidPointer(f"{name} is empty")
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and len(text) > MAX_TEXT:
                raise InvalidPointer(f"{name} is longer than {MAX_TEXT} characters")
