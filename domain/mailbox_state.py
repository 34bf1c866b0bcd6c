"""How a mailbox stands, in one word: the same word wherever it is shown or counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import Mailbox, PausedBy


class StateName(StrEnum):
    """From good to bad."""

    RECEIVING = "receiving"
    POLLING = "polling"  # notifications do not come
    ERROR = "error"  # the last sync of a folder failed
    SUSPENDED = "suspended"  # by ourselves, since its access had failed for too long
    PAUSED = "paused"  # by a person


@dataclass(frozen=True, slots=True)
class MailboxState:
    """*reason* is empty where all is well. *since* is None where nobody has noted it."""

    name: StateName
    reason: str = ""
    since: datetime | None = None


def state_of(mailbox: Mailbox, folder_syncs: Sequence[FolderSync]) -> MailboxState:
    """The worst that is to be said of *mailbox*, and of all its folders: *folder_syncs*."""
    if pause := mailbox.paused:
        by_person = pause.by is PausedBy.OPERATOR
        name = StateName.PAUSED if by_person else StateName.SUSPENDED
        return MailboxState(name, pause.reason, pause.since)
    if error := next((each.last_error for each in folder_syncs if each.last_error), ""):
        return MailboxState(StateName.ERROR, error)
    polled = (each.polling_reason for each in folder_syncs if each.mode is Mode.POLLING)
    if reason := next(polled, ""):
        return MailboxState(StateName.POLLING, reason)
    return MailboxState(StateName.RECEIVING)
