"""Which errors are printed in one line. Any other is a bug, and shows its traceback."""

from postroom.application.providers import InvalidProvider
from postroom.domain.failure import Failure
from postroom.domain.handover.application import InvalidApplication
from postroom.domain.mailbox import InvalidMailbox
from postroom.entrypoints.settings import WRONG_SETTINGS, InvalidSettings, NotReady
from postroom.entrypoints.supervisor import PartFailed


class CommandFailed(Exception):
    """The command cannot do it; the message is one line that says what to do."""


_EXPECTED = (
    Failure,
    InvalidApplication,
    InvalidMailbox,
    InvalidProvider,
    InvalidSettings,
    NotReady,
    PartFailed,
    CommandFailed,
)


_SET_UP_WRONG = (InvalidProvider, InvalidSettings, PartFailed)
"""Of these, what no restart puts right."""


def exit_code(error: BaseException) -> int:
    return WRONG_SETTINGS if isinstance(_only(error), _SET_UP_WRONG) else 1


def as_one_line(error: BaseException) -> str | None:
    """The line for a person, or None if *error* is a bug of ours."""
    error = _only(error)
    return str(error) if isinstance(error, _EXPECTED) else None


def _only(error: BaseException) -> BaseException:
    """The one that a group consists of."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
