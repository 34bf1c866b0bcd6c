"""The state of one folder, and what becomes of it: the rules are those of sync_rules.py."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postroom.domain.list_lag import ListLag
from postroom.domain.subscription import Subscription
from postroom.domain.suspicion import Suspicion
from postroom.domain.sync_result import SyncResult
from postroom.domain.sync_rules import (
    HEAD_START,
    MAX_MISSED_RUNS,
    NOTIFICATION_GRACE,
    NOTIFICATIONS_MISSED,
    PROBE_EVERY,
    PROBE_SOON,
    RUN_OUT,
    UNHEARD,
    Mode,
    Request,
    SyncIntervals,
)

__all__ = ["FolderSync", "Mode", "Request", "SyncIntervals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSync:
    """The state of one *folder* of a mailbox.

    *position* is the provider's, from which changes are listed (empty: there is none yet), and
    *position_at* is when it moved there. *backfill_from* is the moment from which on a list by date
    is still to be made. They move while a run goes on, each when what it passes is queued, and
    nothing else changes them: see `FolderSyncs`. *lost_at* is when the queue was found to be lost,
    if what that has cost is not listed again yet. *dead_before* is set where a person wants that
    list to queue dead jobs again: those that died before that moment.

    *polling_reason* says why the folder is polled. A poll without *probe_at* ends as soon as what
    stands in the way does. *announced_since* is from when on notifications are expected, *heard_at*
    when the last one came that has a number, and *announced_to* the greatest of these.
    *suspected_at* is when undated mail was found, up to number *suspected_to*, that none had
    announced yet. *refusals* are those in a row. *synced_at* is when the last complete sync began.
    *lagging_since* and *behind_since* are of rule 8. *last_error* is what the last run failed of,
    *waiting_since* when the provider has been away since, if it is; nothing is tried before
    *retry_at*. *requests* are those that no run is done with yet. *token* proves a claim.
    """

    tenant: str
    mailbox: str
    folder: str
    due_at: datetime
    position: str = ""
    position_at: datetime | None = None
    backfill_from: datetime | None = None
    lost_at: datetime | None = None
    dead_before: datetime | None = None
    mode: Mode = Mode.NOTIFICATIONS
    polling_reason: str = ""
    announced_since: datetime | None = None
    heard_at: datetime | None = None
    announced_to: int = 0
    suspected_at: datetime | None = None
    suspected_to: int = 0
    missed_runs: int = 0
    refusals: int = 0
    probe_at: datetime | None = None
    subscription: Subscription | None = None
    synced_at: datetime | None = None
    lagging_since: datetime | None = None
    behind_since: datetime | None = None
    last_error: str = ""
    waiting_since: datetime | None = None
    retry_at: datetime | None = None
    requests: frozenset[Request] = frozenset()
    token: int = 0

    # --- What is to be done ---

    @property
    def urgent_since(self) -> datetime:
        """Whoever is due is worked on in this order: what was requested, or is new, comes first.

        But not for ever; and not where the last run failed, or those that fail would always be
        first.
        """
        requested = self.requests or self.synced_at is None
        return self.due_at - HEAD_START if requested and not self.last_error else self.due_at

    def wants_notifications(self, now: datetime) -> bool:
        """Whether they are to be tried: always, unless they were found not to come."""
        return self.mode is Mode.NOTIFICATIONS or self.probe_at is None or now >= self.probe_at

    def must_create(self, endpoint: str, now: datetime) -> bool:
        """Whether there is no subscription that serves: a live one, of *endpoint* (a URL)."""
        subscription = self.subscription
        if subscription is None:
            return True
        if subscription.is_left_alone(now):
            return False
        return Request.RECREATE in self.requests or not subscription.serves(endpoint, now)

    def must_renew(self, now: datetime) -> bool:
        subscription, requested = self.subscription, Request.RENEW in self.requests
        return subscription is not None and subscription.must_renew(now, requested=requested)

    def must_sync(self, now: datetime, intervals: SyncIntervals) -> bool:
        if self.lag.is_waited_for(now) or not self.is_ordinary:
            return True
        return now >= self._sync_at(now, intervals)

    @property
    def is_ordinary(self) -> bool:
        """Whether notifications should have announced all that the next sync finds (rule 3)."""
        if self.requests or self.last_error or self.synced_at is None:
            return False
        return self.subscription is None or self.subscription.renewed_at <= self.synced_at

    def should_have_notified(self, received_at: datetime, now: datetime, grace: timedelta) -> bool:
        """Whether a message that came in at *received_at* should have been announced by *now*."""
        since = self.announced_since
        return since is not None and since < received_at < now - grace

    def is_announced(self, number: int) -> bool:
        """Whether a notification has announced mail of that *number* (0: it has none)."""
        return number <= self.announced_to if number else Request.CHANGED in self.requests

    @property
    def lag(self) -> ListLag:
        return ListLag(self.lagging_since, self.behind_since)

    def polled_because(self, now: datetime) -> str:
        """Why new mail is not found by notifications; empty if it is, as far as we know."""
        subscription = self.subscription
        if self.mode is Mode.POLLING or subscription is None:
            return self.polling_reason
        if not subscription.is_live(now):
            return subscription.throttled_by or RUN_OUT
        return UNHEARD if subscription.is_unheard(self.heard_at, now) else ""

    # --- What has been done ---

    def subscribed(self, subscription: Subscription) -> "FolderSync":
        """With notifications to come under *subscription*."""
        return replace(self._announced(subscription.created_at), subscription=subscription)

    def announced(self, now: datetime) -> "FolderSync":
        """With notifications to come that need no subscription of ours."""
        if self.mode is Mode.NOTIFICATIONS and self.announced_since:
            return self
        return self._announced(now)

    def _announced(self, since: datetime) -> "FolderSync":
        """On probation, if they were missed before (rule 4)."""
        returning = self.polling_reason == NOTIFICATIONS_MISSED
        return replace(
            self,
            mode=Mode.NOTIFICATIONS,
            polling_reason="",
            announced_since=since,
            probe_at=None,
            missed_runs=MAX_MISSED_RUNS - 1 if returning else self.missed_runs,
            refusals=0,
        )

    def without_subscription(self) -> "FolderSync":
        """With whatever there is of one left to an operator."""
        return replace(self, subscription=None) if self.subscription else self

    def obstructed(self, reason: str) -> "FolderSync":
        """Without notifications for as long as what stands in their way does."""
        return self._polled(reason, probe_at=None)

    def shadowed(self, reason: str) -> "FolderSync":
        """Polled, with whatever subscription there is (rule 7)."""
        return replace(self.obstructed(reason), subscription=self.subscription)

    def put_off(self, until: datetime) -> "FolderSync":
        """Without a sync until then. No notification has missed what comes meanwhile (rule 3)."""
        return replace(self, announced_since=None, due_at=until)

    def refused(self, reason: str, now: datetime) -> "FolderSync":
        """Without notifications until the provider, asked again, agrees (rule 5)."""
        wait = min(PROBE_SOON * (1 << min(self.refusals, 16)), PROBE_EVERY)
        return replace(self._polled(reason, probe_at=now + wait), refusals=self.refusals + 1)

    def throttled(self, reason: str, now: datetime, wait: timedelta) -> "FolderSync":
        """With a provider that wants to be left alone with subscriptions for a while; syncs go on.

        One that there is stays.
        """
        if self.subscription is None:
            return self._polled(reason, probe_at=now + wait)
        left_alone = replace(self.subscription, retry_at=now + wait, throttled_by=reason)
        return replace(self, subscription=left_alone)

    def tripped(self, now: datetime) -> "FolderSync":
        """Without notifications for a day, since they fail to come (rule 2)."""
        return self._polled(NOTIFICATIONS_MISSED, probe_at=now + PROBE_EVERY)

    def _polled(self, reason: str, *, probe_at: datetime | None) -> "FolderSync":
        return replace(
            self,
            mode=Mode.POLLING,
            polling_reason=reason,
            announced_since=None,
            suspected_at=None,
            suspected_to=0,
            probe_at=probe_at,
            missed_runs=0,
            subscription=None,
        )

    def synced(
        self, began: datetime, result: SyncResult, *, last_error: str = "", excused: bool = False
    ) -> "FolderSync":
        """After a sync that *began* then, though notifications had *last_error*, if any.

        What was requested is done when there was none, and nothing is left to list. Nothing counts
        as missed if the sync is *excused*: the mailbox could not be read before.
        """
        if not result.complete:
            return replace(
                self,
                behind_since=(self.behind_since or began) if result.behind else None,
                last_error=last_error or self.last_error,
                retry_at=None,
            )
        suspicion = self._suspicion.lifted() if excused else self._judged(began, result)
        return replace(
            self._suspecting(suspicion),
            lagging_since=(self.lagging_since or began) if result.lags else None,
            behind_since=None,
            requests=self.requests if last_error else frozenset(),
            last_error=last_error,
            waiting_since=None,
            retry_at=None,
            synced_at=began,
        )

    def _judged(self, began: datetime, result: SyncResult) -> Suspicion:
        """With what the sync says of the notifications: missed, or come, or nothing (rule 3)."""
        changed = Request.CHANGED in self.requests
        if not (changed or self.is_ordinary):
            return self._suspicion.lifted()
        heard = self._suspicion.heard(self.announced_to, changed=changed)
        judged = heard.judged(began, result, NOTIFICATION_GRACE, changed=changed)
        return judged.found(began, result) if self.announced_since else judged

    @property
    def _suspicion(self) -> Suspicion:
        return Suspicion(self.missed_runs, self.suspected_at, self.suspected_to)

    def _suspecting(self, suspicion: Suspicion) -> "FolderSync":
        return replace(
            self,
            missed_runs=suspicion.missed_runs,
            suspected_at=suspicion.since,
            suspected_to=suspicion.up_to,
        )

    def failed(self, reason: str, now: datetime, wait: timedelta, *, away: bool) -> "FolderSync":
        """After a run that failed: tried again when *wait* has passed, and not before.

        *away* says that the provider cannot be reached, or asks to be left alone.
        """
        return replace(
            self,
            last_error=reason,
            waiting_since=(self.waiting_since or now) if away else None,
            retry_at=now + wait,
            due_at=now + wait,
        )

    @property
    def misses_notifications(self) -> bool:
        return self.mode is Mode.NOTIFICATIONS and self.missed_runs >= MAX_MISSED_RUNS

    # --- When to come back ---

    def next_due(self, now: datetime, intervals: SyncIntervals) -> datetime:
        """When there is something to do again, if nobody requests anything before."""
        if self.last_error:
            return now + intervals.poll_every
        if self.lag.is_waited_for(now):
            return now + self.lag.again_in(now, intervals.poll_every)
        moments = [self._sync_at(now, intervals)]
        if self.subscription and self.mode is Mode.NOTIFICATIONS:
            renewal_at = self.subscription.renewal_at
            moments.append(max(renewal_at, self.subscription.retry_at or renewal_at))
        if self.probe_at:
            moments.append(self.probe_at)
        return max(now, min(moments))

    def _sync_at(self, now: datetime, intervals: SyncIntervals) -> datetime:
        interval = intervals.sync_every if self._is_announced(now) else intervals.poll_every
        return (self.synced_at or now) + interval

    def _is_announced(self, now: datetime) -> bool:
        return self.announced_since is not None and not self.polled_because(now)
