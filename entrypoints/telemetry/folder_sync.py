"""Folder syncs, observed: what changes in how a mailbox's mail comes is logged when it changes."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from postroom.application.maintain_folder import Maintain, SyncRun
from postroom.application.track_access import AccessTracker
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.folder_sync import FolderSync, Mode
from postroom.domain.mailbox import Mailbox
from postroom.domain.sync_result import SyncResult
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedMaintain(Maintain):
    maintain: Maintain
    telemetry: Telemetry

    async def __call__(self, folder_sync: FolderSync, *, held: timedelta | None = None) -> SyncRun:
        return self._observed(await self.maintain(folder_sync, held=held))

    async def fail(
        self, folder_sync: FolderSync, failure: Failure, *, held: timedelta | None = None
    ) -> SyncRun:
        return self._observed(await self.maintain.fail(folder_sync, failure, held=held))

    def _observed(self, run: SyncRun) -> SyncRun:
        _log_subscription(run.before, run.after)
        _log_mode(run.before, run.after)
        _log_last_error(run.before, run.after)
        instruments = self.telemetry.instruments
        if run.result:
            _log_result(run.after, run.result)
            instruments.sync_missed.add(run.result.missed)
        result = "error" if run.after.last_error else "done"
        instruments.sync_runs.add(1, {"mode": run.after.mode.value, "result": result})
        return run


@dataclass(frozen=True, slots=True)
class ObservedAccess(AccessTracker):
    access: AccessTracker

    async def failed(self, mailbox: Mailbox, failure: AccessFailed) -> bool:
        suspended = await self.access.failed(mailbox, failure)
        if suspended:
            log.error("mailbox.suspended", **_of_mailbox(mailbox), reason=failure.reason)
        return suspended

    async def worked(self, mailbox: Mailbox) -> bool:
        resumed = await self.access.worked(mailbox)
        if resumed:
            log.info("mailbox.resumed", **_of_mailbox(mailbox))
        return resumed


def _log_subscription(before: FolderSync, after: FolderSync) -> None:
    old, new = before.subscription, after.subscription
    if new and new != old:
        event = "subscription renewed" if old and old.id == new.id else "subscription created"
        log.info(event, **_of_folder(after), subscription_id=new.id, until=new.expires_at)


def _log_mode(before: FolderSync, after: FolderSync) -> None:
    if after.mode is Mode.POLLING and after.polling_reason != before.polling_reason:
        log.warning("polling", **_of_folder(after), reason=after.polling_reason)
    elif before.mode is Mode.POLLING and after.mode is Mode.NOTIFICATIONS:
        log.info("notifications again", **_of_folder(after))


def _log_last_error(before: FolderSync, after: FolderSync) -> None:
    if after.waiting_since and not before.waiting_since:
        log.warning("mailbox.waiting", **_of_folder(after), reason=after.last_error)
    elif after.last_error and after.last_error != before.last_error:
        log.warning("sync failed", **_of_folder(after), reason=after.last_error)
    elif before.last_error and not after.last_error:
        log.info("sync works again", **_of_folder(after))


def _log_result(after: FolderSync, result: SyncResult) -> None:
    if result.queued:
        log_line = log.warning if result.missed else log.info
        count, missed = result.queued, result.missed
        log_line("mail found", **_of_folder(after), count=count, missed=missed)
    if result.too_old:
        log.info("old mail skipped", **_of_folder(after), count=result.too_old)


def _of_folder(folder_sync: FolderSync) -> dict[str, str]:
    return {
        "tenant": folder_sync.tenant,
        "mailbox": folder_sync.mailbox,
        "folder": folder_sync.folder,
    }


def _of_mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"tenant": mailbox.tenant, "mailbox": mailbox.id, "provider": mailbox.provider}
