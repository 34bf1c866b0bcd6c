"""The events of mailboxes: how a folder's sync stands, and whether any of it is worked on."""

from datetime import datetime

from postroom.domain.addresses import without_addresses
from postroom.domain.events.event import Event, EventType
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.handover.body_json import clean, utc
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.mailbox_state import StateName


def event_of_pause(tenant: str, mailbox: str, pause: Pause) -> Event:
    by_person = pause.by is PausedBy.OPERATOR
    type_ = EventType.MAILBOX_PAUSED if by_person else EventType.MAILBOX_SUSPENDED
    data = {"mailbox": mailbox, "reason": without_addresses(pause.reason)}
    return Event(tenant=tenant, type=type_, at=pause.since, data=clean(data))


def event_of_resumption(tenant: str, mailbox: str, pause: Pause, at: datetime) -> Event:
    """After that *pause*."""
    was = StateName.PAUSED if pause.by is PausedBy.OPERATOR else StateName.SUSPENDED
    data = {"mailbox": mailbox, "was": was.value, "since": utc(pause.since)}
    return Event(tenant=tenant, type=EventType.MAILBOX_RESUMED, at=at, data=data)


def event_of_sync(before: FolderSync, after: FolderSync, at: datetime) -> Event | None:
    """If a run has made the folder better or worse than it was."""
    was, is_now = _degraded(before), _degraded(after)
    if was == is_now:
        return None
    data = {"mailbox": after.mailbox, "folder": after.folder}
    if is_now is None:
        recovered = clean(data | {"was": was})
        return Event(tenant=after.tenant, type=EventType.MAILBOX_RECOVERED, at=at, data=recovered)
    reason = after.polling_reason if is_now is StateName.POLLING else after.last_error
    data |= {"state": is_now.value, "reason": without_addresses(reason)}
    return Event(tenant=after.tenant, type=EventType.MAILBOX_DEGRADED, at=at, data=clean(data))


def _degraded(folder_sync: FolderSync) -> StateName | None:
    """None where it is as it is set up to be: without notifications, if there can be none."""
    if folder_sync.waiting_since:
        return StateName.WAITING
    if folder_sync.last_error:
        return StateName.ERROR
    if folder_sync.mode is Mode.POLLING and folder_sync.probe_at:
        return StateName.POLLING
    return None
