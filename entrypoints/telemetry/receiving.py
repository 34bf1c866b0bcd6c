"""Receiving, watched: what changes in how a mailbox's mail comes is told, each time it changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from postroom.application.access import Access
from postroom.application.keep_receiving import Kept
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox
from postroom.domain.reception import Found, Mode, Reception
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()

Keep = Callable[[Reception], Awaitable[Kept]]
"""What `KeepReceiving` does."""


def observed_keep(keep: Keep, telemetry: Telemetry) -> Keep:
    """*keep*, told about."""

    async def observed(reception: Reception) -> Kept:
        kept = await keep(reception)
        _tell_subscription(kept.before, kept.after)
        _tell_mode(kept.before, kept.after)
        _tell_trouble(kept.before, kept.after)
        if kept.found:
            _tell_found(kept.after, kept.found)
            telemetry.instruments.unannounced.add(kept.found.unannounced)
        result = "trouble" if kept.after.trouble else "done"
        telemetry.instruments.rounds.add(1, {"mode": kept.after.mode.value, "result": result})
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


def _tell_subscription(before: Reception, after: Reception) -> None:
    old, new = before.subscription, after.subscription
    if new and new != old:
        event = "subscription renewed" if old and old.id == new.id else "subscription created"
        log.info(event, **_of_reception(after), subscription_id=new.id, until=new.expires_at)


def _tell_mode(before: Reception, after: Reception) -> None:
    if after.mode is Mode.POLLING and after.why != before.why:
        log.warning("polling", **_of_reception(after), reason=after.why)
    elif before.mode is Mode.POLLING and after.mode is Mode.NOTICES:
        log.info("notices again", **_of_reception(after))


def _tell_trouble(before: Reception, after: Reception) -> None:
    if after.trouble and after.trouble != before.trouble:
        log.warning("receiving in trouble", **_of_reception(after), reason=after.trouble)
    elif before.trouble and not after.trouble:
        log.info("receiving again", **_of_reception(after))


def _tell_found(after: Reception, found: Found) -> None:
    if found.queued:
        tell = log.warning if found.unannounced else log.info
        tell(
            "mail found",
            **_of_reception(after),
            count=found.queued,
            unannounced=found.unannounced,
        )


def _of_reception(reception: Reception) -> dict[str, str]:
    return {
        "tenant": reception.tenant,
        "mailbox": reception.mailbox,
        "folder": reception.folder,
    }


def _of_mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"tenant": mailbox.tenant, "mailbox": mailbox.id, "provider": mailbox.provider}
