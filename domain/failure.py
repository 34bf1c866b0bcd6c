"""Why a job could not be finished, named by what is to be done about it.

* Failure
  + Unavailable      the source did not answer as it should: try again later
    - StoreUnavailable our own database, queue or file store cannot be used
      . Contended        it works, but this transaction had to give way to another
  + Throttled        wait as long as the provider asks
  + AccessFailed     a person must mend the mailbox's access
    - FolderMissing    only one of its folders is not to be had: the mailbox itself can be read
  + SourceGone       nothing is left to do: the message no longer exists
  + Unprocessable    a person must look at this one message
  + ProcessorFailed  the application fails at this message, and has taken another: charge it

An adapter raises these at its rim, with the cause chained. Whose failure it is, what waits for it,
and whether it costs an attempt, `domain/blame.py` says. Anything else that escapes a port is a bug,
and is charged to the message that met it.

Reasons are written to logs, outcomes and dead letters. They hold codes, counts and technical
identifiers, never an address, a subject, a body or a secret.
"""

from collections.abc import Sequence
from datetime import timedelta


class Failure(Exception):
    """Base of every failure that a port raises on purpose; *reason* is fit for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(Failure):
    """The peer did not answer as it should. *retry_after* is its own wish, if it gave one.

    *source* names the peer, if it is another one than where the mailbox's mail is read: a sign-in
    authority. *answered* is False if nothing came back at all, so that no message can be at fault:
    no connection, no TLS, no name.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: timedelta | None = None,
        source: str = "",
        answered: bool = True,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.source = source
        self.answered = answered


class StoreUnavailable(Unavailable):
    """A store of our own cannot be used, or takes no writes."""


class Contended(StoreUnavailable):
    """A lock was waited for too long, or the store chose this transaction to give way."""


class Throttled(Failure):
    """The peer asks to be left alone for *retry_after*: our speed is at fault, not the message."""

    def __init__(self, reason: str, *, retry_after: timedelta) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class AccessFailed(Failure):
    """The mailbox cannot be read: a revoked token, a missing permission, a wrong setting."""


class FolderMissing(AccessFailed):
    """The mailbox has no such folder; *paths* are those that it has, as far as that was looked.

    *what* is what stands for a folder there.
    """

    def __init__(self, paths: Sequence[str] = (), what: str = "folder") -> None:
        super().__init__(f"the mailbox has no such {what}")
        self.paths = sorted(paths)


class SourceGone(Failure):
    """The provider says that the message no longer exists where the pointer says."""


class Unprocessable(Failure):
    """This message can never be processed as it is."""


class ProcessorFailed(Failure):
    """The application's own code has failed at this message, and taken another since it did."""
