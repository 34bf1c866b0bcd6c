"""How a mailbox stands, in one word: the same word wherever it is shown or counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from postroom.domain.account import UnreadableAccount
from postroom.domain.folder_sync import FolderSync
from postroom.domain.ingress import OPEN, Ingress
from postroom.domain.mailbox import Mailbox, PausedBy

UNATTENDED_AFTER = timedelta(minutes=10)
"""How late a sync may be. Each lasts minutes at the most, and is tried within minutes."""

QUEUE_LOST = "the queue has lost jobs, or may have: what came in is listed again"

NOBODY_SYNCS = "nobody syncs it: run postroom maintenance"


class StateName(StrEnum):
    """From good to bad."""

    RECEIVING = "receiving"
    POLLING = "polling"  # notifications do not come
    RELISTING = "relisting"  # its mail is listed again, since the queue has lost jobs
    WAITING = "waiting"  # its provider is away, or asks to be left alone
    ERROR = "error"  # the last sync of a folder failed of something else
    UNATTENDED = "unattended"  # no process does what is due
    SUSPENDED = "suspended"  # by ourselves, since its access had failed for too long
    PAUSED = "paused"  # by a person
    OFF = "off"  # ingress of its provider is, by a setting


@dataclass(frozen=True, slots=True)
class MailboxState:
    """*reason* is empty where all is well. *since* is None where it is not recorded."""

    name: StateName
    reason: str = ""
    since: datetime | None = None


RECEIVING = MailboxState(StateName.RECEIVING)


def state_of(
    mailbox: Mailbox,
    folder_syncs: Sequence[FolderSync],
    now: datetime,
    *,
    ingress: Ingress = OPEN,
) -> MailboxState:
    """The worst that is to be said of *mailbox*, and of all its folders: *folder_syncs*."""
    if ingress.is_off(mailbox.provider):
        return MailboxState(StateName.OFF, ingress.obstacle(mailbox.provider))
    if isinstance(mailbox.account, UnreadableAccount):
        return MailboxState(StateName.ERROR, mailbox.account.reason)
    if pause := mailbox.paused:
        by_person = pause.by is PausedBy.OPERATOR
        name = StateName.PAUSED if by_person else StateName.SUSPENDED
        return MailboxState(name, pause.reason, pause.since)
    states = [_state_of_folder(each, now) for each in folder_syncs]
    return max(states, key=lambda state: list(StateName).index(state.name), default=RECEIVING)


def _state_of_folder(folder_sync: FolderSync, now: datetime) -> MailboxState:
    if folder_sync.due_at < now - UNATTENDED_AFTER:
        return MailboxState(StateName.UNATTENDED, NOBODY_SYNCS, folder_sync.due_at)
    if folder_sync.waiting_since:
        return MailboxState(StateName.WAITING, folder_sync.last_error, folder_sync.waiting_since)
    if folder_sync.last_error:
        return MailboxState(StateName.ERROR, folder_sync.last_error)
    if folder_sync.lost_at:
        return MailboxState(StateName.RELISTING, QUEUE_LOST, folder_sync.lost_at)
    if reason := folder_sync.polled_because(now):
        return MailboxState(StateName.POLLING, reason)
    return RECEIVING
