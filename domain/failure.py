"""Why a job could not be finished, named by what is to be done about it.

* Failure
  + Unavailable     try again later; costs an attempt
  + Throttled       wait as long as the provider asks; costs no attempt
  + AccessFailed    a person must mend the mailbox's access; its jobs wait, at no cost
    - FolderMissing only one of its folders is not to be had: the mailbox itself can be read
  + SourceGone      nothing is left to do: the message no longer exists
  + Unprocessable   a person must look at this one message

An adapter raises these at its rim, with the cause chained. Anything else that escapes a port
is a bug: it is not caught in the core, the lease of its job runs out, and that costs an attempt.

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
    """The peer cannot answer now. *retry_after* is its own wish, if it gave one."""

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Throttled(Failure):
    """The peer asks to be left alone for *retry_after*: our speed is at fault, not the message."""

    def __init__(self, reason: str, *, retry_after: timedelta) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class AccessFailed(Failure):
    """The mailbox cannot be read: a revoked token, a missing permission, a wrong setting."""


class FolderMissing(AccessFailed):
    """The mailbox has no such folder; *paths* are those that it has, as far as that was looked."""

    def __init__(self, paths: Sequence[str] = ()) -> None:
        super().__init__("the mailbox has no such folder")
        self.paths = sorted(paths)


class SourceGone(Failure):
    """The provider says that the message no longer exists where the pointer says."""


class Unprocessable(Failure):
    """This message can never be processed as it is."""
