"""Which errors are printed in one line. Any other is a bug, and shows its traceback."""

from postroom.application.providers import InvalidProvider
from postroom.domain.failure import Failure
from postroom.domain.mailbox import InvalidMailbox
from postroom.entrypoints.settings import InvalidSettings, NotReady
from postroom.entrypoints.supervisor import PartFailed


class CommandFailed(Exception):
    """The command cannot do it; the message is one line that says what to do."""


_EXPECTED = (
    Failure,
    InvalidMailbox,
    InvalidProvider,
    InvalidSettings,
    NotReady,
    PartFailed,
    CommandFailed,
)


def as_one_line(error: BaseException) -> str | None:
    """The line for a person, or None if *error* is a bug of ours."""
    if isinstance(error, BaseExceptionGroup):
        return as_one_line(error.exceptions[0]) if len(error.exceptions) == 1 else None
    return str(error) if isinstance(error, _EXPECTED) else None
