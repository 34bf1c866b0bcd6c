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
        _log_subscription(run)
        _log_mode(run)
        _log_last_error(run)
        instruments = self.telemetry.instruments
        if run.result:
            _log_result(run, run.result)
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


def _log_subscription(run: SyncRun) -> None:
    before, after = run.before, run.after
    old, new = before.subscription, after.subscription
    if new and new != old:
        event = "subscription renewed" if old and old.id == new.id else "subscription created"
        log.info(event, **_of_folder(run), subscription_id=new.id, until=new.expires_at)


def _log_mode(run: SyncRun) -> None:
    before, after = run.before, run.after
    if after.mode is Mode.POLLING and after.polling_reason != before.polling_reason:
        log.warning("polling", **_of_folder(run), reason=after.polling_reason)
    elif before.mode is Mode.POLLING and after.mode is Mode.NOTIFICATIONS:
        log.info("notifications again", **_of_folder(run))


def _log_last_error(run: SyncRun) -> None:
    before, after = run.before, run.after
    if after.waiting_since and not before.waiting_since:
        log.warning("mailbox.waiting", **_of_folder(run), reason=after.last_error)
    elif after.last_error and after.last_error != before.last_error:
        log.warning("sync failed", **_of_folder(run), reason=after.last_error)
    elif before.last_error and not after.last_error:
        log.info("sync works again", **_of_folder(run))


def _log_result(run: SyncRun, result: SyncResult) -> None:
    if result.queued:
        log_line = log.warning if result.missed else log.info
        count, missed = result.queued, result.missed
        log_line("mail found", **_of_folder(run), count=count, missed=missed)
    if result.too_old:
        log.info("old mail skipped", **_of_folder(run), count=result.too_old)


def _of_folder(run: SyncRun) -> dict[str, str]:
    of = run.after
    names = {"tenant": of.tenant, "mailbox": of.mailbox, "folder": of.folder}
    return {**names, "provider": run.provider} if run.provider else names


def _of_mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"tenant": mailbox.tenant, "mailbox": mailbox.id, "provider": mailbox.provider}
