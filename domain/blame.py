"""Whose failure it is: only its owner pays, and nobody waits behind a stranger.

| scope   | what waits                                   | cost       | what ends it               |
|---------|----------------------------------------------|------------|----------------------------|
| message | the message, over more than a day            | an attempt | its success, or the dead   |
|         | (`RetryPolicy`)                              |            | letters after ten attempts |
| mailbox | its lane: `probe_after`, one job at a time;  | nothing    | the first success, or a    |
|         | it is suspended after ten minutes without    |            | person                     |
|         | access (`access.py`)                         |            |                            |
| source  | all lanes behind it as one (`circuit.py`)    | nothing    | the first answer           |
| store   | claiming: what is in hand is given back      | nothing    | the first success          |
| crash   | the message, from the second crash on: it    | a crash    | its success, or the dead   |
|         | runs alone in a process (`crash.py`)         |            | letters after three alone  |

The message fails by itself if its mailbox answers otherwise; the mailbox, if nothing of it can be
read; the source, if nothing of any mailbox behind it can be; a store is our own database, queue or
file store; a crash is the end of the process, whoever's fault it was.

What a peer answered about one message says little by itself: a 500 or a 403 may be the message's,
its mailbox's, or the whole provider's. So a message is charged on evidence alone: something else of
its mailbox succeeded *after its attempt began*. Without evidence it waits, at no cost, however long
that takes: no outage puts anything into the dead letters.
"""

from enum import StrEnum

from postroom.domain.failure import (
    AccessFailed,
    Failure,
    FolderMissing,
    ProcessorFailed,
    SourceGone,
    StoreUnavailable,
    Throttled,
    Unavailable,
    Unprocessable,
)


class Scope(StrEnum):
    """What a failure is of."""

    MESSAGE = "message"
    MAILBOX = "mailbox"
    SOURCE = "source"
    STORE = "store"


def needs_evidence(failure: Failure) -> bool:
    """Whether *failure* may be the message's own, and may as well be somebody else's."""
    match failure:
        case StoreUnavailable() | FolderMissing():
            return False
        case Unavailable(answered=answered, source=another):
            return answered and not another  # whoever signs us in has seen no message
        case _:
            return isinstance(failure, AccessFailed)


def scope_of(failure: Failure, *, mailbox_answers: bool) -> Scope:
    """Whose *failure* it is; *mailbox_answers* says that there is evidence against the message."""
    match failure:
        case StoreUnavailable():
            return Scope.STORE
        case SourceGone() | Unprocessable() | FolderMissing() | ProcessorFailed():
            return Scope.MESSAGE
        case Throttled():
            return Scope.MAILBOX
        case Unavailable() | AccessFailed() if mailbox_answers and needs_evidence(failure):
            return Scope.MESSAGE
        case AccessFailed():
            return Scope.MAILBOX
        case Unavailable():
            return Scope.SOURCE
        case _:
            raise TypeError(f"{type(failure).__name__} has no owner")
