"""Receiving, watched: what changes in how a mailbox's mail comes is told, each time it changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from postroom.application.maintain_folder import SyncRun
from postroom.application.track_access import Access
from postroom.domain.failure import AccessFailed
from postroom.domain.folder_sync import FolderSync, Found, Mode
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()

Keep = Callable[[FolderSync], Awaitable[SyncRun]]
"""What `MaintainFolder` does."""


def observed_maintain(keep: Keep, telemetry: Telemetry) -> Keep:
    """*keep*, told about."""

    async def observed(folder_sync: FolderSync) -> SyncRun:
        kept = await keep(folder_sync)
        _log_subscription(kept.before, kept.after)
        _log_mode(kept.before, kept.after)
        _log_last_error(kept.before, kept.after)
        if kept.found:
            _log_result(kept.after, kept.found)
            telemetry.instruments.missed.add(kept.found.missed)
        result = "error" if kept.after.last_error else "done"
        telemetry.instruments.sync_runs.add(1, {"mode": kept.after.mode.value, "result": result})
        return kept

    return observed


@dataclass(frozen=True, slots=True)
class ObservedAccess(Access):
    access: Access

    async def failed(self, mailbox: Mailbox, failure: AccessFailed) -> bool:
        closed = await self.access.failed(mailbox, failure)
        if closed:
            log.error("mailbox closed", **_of_mailbox(mailbox), reason=failure.reason)
        return closed

    async def worked(self, mailbox: Mailbox) -> bool:
        opened = await self.access.worked(mailbox)
        if opened:
            log.info("mailbox opened again", **_of_mailbox(mailbox))
        return opened


def _log_subscription(before: FolderSync, after: FolderSync) -> None:
    old, new = before.subscription, after.subscription
    if new and new != old:
        event = "subscription renewed" if old and old.id == new.id else "subscription created"
        log.info(event, **_of_folder_sync(after), subscription_id=new.id, until=new.expires_at)


def _log_mode(before: FolderSync, after: FolderSync) -> None:
    if after.mode is Mode.POLLING and after.polling_reason != before.polling_reason:
        log.warning("polling", **_of_folder_sync(after), reason=after.polling_reason)
    elif before.mode is Mode.POLLING and after.mode is Mode.NOTIFICATIONS:
        log.info("notifications again", **_of_folder_sync(after))


def _log_last_error(before: FolderSync, after: FolderSync) -> None:
    if after.last_error and after.last_error != before.last_error:
        log.warning("sync failed", **_of_folder_sync(after), reason=after.last_error)
    elif before.last_error and not after.last_error:
        log.info("receiving again", **_of_folder_sync(after))


def _log_result(after: FolderSync, found: Found) -> None:
    if found.queued:
        log_line = log.warning if found.missed else log.info
        log_line(
            "mail found",
            **_of_folder_sync(after),
            count=found.queued,
            missed=found.missed,
        )


def _of_folder_sync(folder_sync: FolderSync) -> dict[str, str]:
    return {
        "tenant": folder_sync.tenant,
        "mailbox": folder_sync.mailbox,
        "folder": folder_sync.folder,
    }


def _of_mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"tenant": mailbox.tenant, "mailbox": mailbox.id, "provider": mailbox.provider}
