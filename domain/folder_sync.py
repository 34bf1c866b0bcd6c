"""How the mail of a folder is received: by notifications, with a look now and then, or by polling.

Notifications are quick and get lost; looking is slow and finds everything. So every folder is
synced at an interval whatever the notifications do, and often where they cannot be
relied on. The rules are the same for every provider.

Rule 1  A subscription is renewed when half of its life is over, so that days of errors pass
        before notifications stop.
Rule 2  A look that finds mail that no notification had told of in time is a silent one. After
        MAX_MISSED_RUNS in a row the folder is polled, until a probe (notifications are tried again)
        succeeds a day later.
Rule 3  What has another explanation is no silence: a sync after an error, or after a subscription
        was made or renewed, or that the provider itself asked for.
Rule 4  Notifications that come back after silence are on probation: the next silent look ends them
        again.
Rule 5  A provider that refuses to send notifications is asked again soon, and then ever less often:
        that our endpoint is not up yet is over in seconds.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

PROBE_EVERY = timedelta(days=1)
"""How long a folder whose notifications failed to come is polled before they are tried again."""

PROBE_SOON = timedelta(seconds=10)
"""How soon a provider that refuses is asked again; twice as long each time, up to PROBE_EVERY."""

NOTIFICATION_GRACE = timedelta(minutes=5)
"""How late a notification may be.

Graph promises three minutes for messages, and under one on average:
learn.microsoft.com/graph/change-notifications-overview#latency.
"""

MAX_MISSED_RUNS = 3
NOTIFICATIONS_MISSED = (
    f"{MAX_MISSED_RUNS} syncs in a row found mail that no notification had announced"
)

REAUTHORIZED_LATELY = timedelta(minutes=10)
"""Graph asks not to be asked for the same twice within this time (lifecycle-events)."""


@dataclass(frozen=True, slots=True)
class SyncIntervals:
    """How often a folder is looked at: where notifications come, and where it is polled."""

    sync_every: timedelta = timedelta(minutes=15)
    poll_every: timedelta = timedelta(minutes=1)


class Mode(StrEnum):
    """By what new mail is mainly found out about."""

    NOTIFICATIONS = "notifications"
    POLLING = "polling"


class Request(StrEnum):
    """What a provider's lifecycle notification, or a person, has asked for."""

    RENEW = "renew"
    RECREATE = "recreate"
    SYNC = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a provider sends notifications under, to *endpoint*, until *expires_at*.

    Each notification shows a secret, of which the SHA-256 digest (hex) is all that is kept.
    """

    id: str
    secret_digest: str
    endpoint: str
    created_at: datetime
    renewed_at: datetime
    expires_at: datetime

    def is_live(self, now: datetime) -> bool:
        return now < self.expires_at

    @property
    def renewal_at(self) -> datetime:
        return self.renewed_at + (self.expires_at - self.renewed_at) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look at a folder found: messages *listed*, and jobs *queued* for those that are new.

    *missed* are those of the new ones that a notification should have told of by then. Unless it is
    *complete*, there is more to list.
    """

    listed: int = 0
    queued: int = 0
    missed: int = 0
    complete: bool = False

    def __add__(self, later: "Found") -> "Found":
        """Both, of which *later* was the end."""
        return Found(
            listed=self.listed + later.listed,
            queued=self.queued + later.queued,
            missed=self.missed + later.missed,
            complete=later.complete,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSync:
    """How the mail of one *folder* of a mailbox is received.

    *polling_reason* says why it is polled. A poll without *probe_at* ends as soon as what stands in
    the way does. *refusals* are those in a row. *synced_at* is when the last complete look began.
    *last_error* is what the last round failed of. *requests* are those that no round is done with
    yet. *version* changes whenever somebody asks for something, or takes it to work through.
    """

    tenant: str
    mailbox: str
    folder: str
    due_at: datetime
    mode: Mode = Mode.NOTIFICATIONS
    polling_reason: str = ""
    missed_runs: int = 0
    refusals: int = 0
    probe_at: datetime | None = None
    subscription: Subscription | None = None
    synced_at: datetime | None = None
    last_error: str = ""
    requests: frozenset[Request] = frozenset()
    version: int = 0

    # --- What is to be done ---

    def wants_subscription(self, now: datetime) -> bool:
        """Whether notifications are to be tried: always, unless they were found not to come."""
        return self.mode is Mode.NOTIFICATIONS or self.probe_at is None or now >= self.probe_at

    def must_create(self, endpoint: str, now: datetime) -> bool:
        """Whether there is no subscription that serves: a live one, of *endpoint* (a URL)."""
        subscription = self.subscription
        return (
            subscription is None
            or not subscription.is_live(now)
            or subscription.endpoint != endpoint
            or Request.RECREATE in self.requests
        )

    def must_renew(self, now: datetime) -> bool:
        subscription = self.subscription
        if subscription is None:
            return False
        asked = Request.RENEW in self.requests
        return now >= subscription.renewal_at or (
            asked and now >= subscription.renewed_at + REAUTHORIZED_LATELY
        )

    def must_sync(self, now: datetime, intervals: SyncIntervals) -> bool:
        return not self.is_ordinary or now >= self._sync_at(now, intervals)

    @property
    def is_ordinary(self) -> bool:
        """Whether notifications should have told of all that the next look finds (rule 3)."""
        if self.requests or self.last_error or self.synced_at is None:
            return False
        return self.subscription is None or self.subscription.renewed_at <= self.synced_at

    def should_have_notified(self, received_at: datetime, now: datetime) -> bool:
        """Whether a notification of a message that came in at *received_at* should have been
        here.
        """
        subscription = self.subscription
        return (
            subscription is not None
            and subscription.created_at < received_at < now - NOTIFICATION_GRACE
        )

    # --- What has been done ---

    def subscribed(self, subscription: Subscription) -> "FolderSync":
        """With notifications to come; on probation if they had been silent (rule 4)."""
        return replace(
            self,
            mode=Mode.NOTIFICATIONS,
            polling_reason="",
            probe_at=None,
            missed_runs=MAX_MISSED_RUNS - 1
            if self.polling_reason == NOTIFICATIONS_MISSED
            else self.missed_runs,
            refusals=0,
            subscription=subscription,
        )

    def obstructed(self, polling_reason: str) -> "FolderSync":
        """Without notifications for as long as what stands in their way does."""
        return self._polled(polling_reason, probe_at=None)

    def refused(self, polling_reason: str, now: datetime) -> "FolderSync":
        """Without notifications until the provider, asked again, agrees (rule 5)."""
        wait = min(PROBE_SOON * (1 << min(self.refusals, 16)), PROBE_EVERY)
        return replace(
            self._polled(polling_reason, probe_at=now + wait), refusals=self.refusals + 1
        )

    def silenced(self, now: datetime) -> "FolderSync":
        """Without notifications for a day, since they fail to come."""
        return self._polled(NOTIFICATIONS_MISSED, probe_at=now + PROBE_EVERY)

    def _polled(self, polling_reason: str, *, probe_at: datetime | None) -> "FolderSync":
        return replace(
            self,
            mode=Mode.POLLING,
            polling_reason=polling_reason,
            probe_at=probe_at,
            missed_runs=0,
            subscription=None,
        )

    def synced(
        self, began: datetime, found: Found, *, last_error: str = "", excused: bool = False
    ) -> "FolderSync":
        """After a look that *began* then, in spite of *last_error* with notifications, if there was
        any.

        What was asked for is done when there is none, and nothing more to list. The look does not
        count as silent if it is *excused*: the mailbox could not be got into before.
        """
        if not found.complete:
            return replace(self, last_error=last_error or self.last_error)
        missed_runs = self.missed_runs
        judged = self.is_ordinary and not excused
        if judged and found.missed:
            missed_runs += 1
        elif judged and found.listed > found.queued:
            missed_runs = (
                0  # there was mail, and notifications had told of all that they should have
            )
        return replace(
            self,
            missed_runs=missed_runs,
            requests=self.requests if last_error else frozenset(),
            last_error=last_error,
            synced_at=began,
        )

    @property
    def misses_notifications(self) -> bool:
        return self.mode is Mode.NOTIFICATIONS and self.missed_runs >= MAX_MISSED_RUNS

    # --- When to come back ---

    def next_due(self, now: datetime, intervals: SyncIntervals) -> datetime:
        """When there is something to do again, if nobody asks for anything before."""
        if self.last_error:
            return now + intervals.poll_every
        moments = [self._sync_at(now, intervals)]
        if self.subscription:
            moments.append(self.subscription.renewal_at)
        if self.probe_at:
            moments.append(self.probe_at)
        return max(now, min(moments))

    def _sync_at(self, now: datetime, intervals: SyncIntervals) -> datetime:
        told = (
            self.mode is Mode.NOTIFICATIONS and self.subscription and self.subscription.is_live(now)
        )
        interval = intervals.sync_every if told else intervals.poll_every
        return (self.synced_at or now) + interval
