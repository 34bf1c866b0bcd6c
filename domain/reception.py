"""How the mail of a folder is received: by notices, with a look now and then, or by polling.

Notices are quick and get lost; looking is slow and finds everything. So every folder is looked at
(reconciled) at an interval whatever the notices do, and often where they cannot be relied on. The
rules are the same for every provider.

Rule 1  A subscription is renewed when half of its life is over, so that days of trouble pass
        before notices stop.
Rule 2  A look that finds mail that no notice had told of in time is a silent one. After
        SILENT_LOOKS in a row the folder is polled, until a probe (notices are tried again) succeeds
        a day later.
Rule 3  What has another explanation is no silence: a look after trouble, or after a subscription
        was made or renewed, or that the provider itself asked for.
Rule 4  Notices that come back after silence are on probation: the next silent look ends them again.
Rule 5  A provider that refuses to send notices is asked again soon, and then ever less often: that
        our end point is not up yet is over in seconds.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

PROBE_EVERY = timedelta(days=1)
"""How long a folder whose notices failed to come is polled before they are tried again."""

PROBE_SOON = timedelta(seconds=10)
"""How soon a provider that refuses is asked again; twice as long each time, up to PROBE_EVERY."""

NOTICE_GRACE = timedelta(minutes=5)
"""How late a notice may be.

Graph promises three minutes for messages, and under one on average:
learn.microsoft.com/graph/change-notifications-overview#latency.
"""

SILENT_LOOKS = 3
SILENCE = f"{SILENT_LOOKS} times running, mail came that no notice had told of"

REAUTHORIZED_LATELY = timedelta(minutes=10)
"""Graph asks not to be asked for the same twice within this time (lifecycle-events)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a folder is looked at: where notices come, and where it is polled."""

    reconcile_every: timedelta = timedelta(minutes=15)
    poll_every: timedelta = timedelta(minutes=1)


class Mode(StrEnum):
    """By what new mail is mainly found out about."""

    NOTICES = "notices"
    POLLING = "polling"


class Request(StrEnum):
    """What a provider's life-cycle notice, or a person, has asked for."""

    RENEW = "renew"
    RECREATE = "recreate"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a provider sends notices under, to *endpoint*, until *expires_at*.

    Each notice shows a secret, of which the SHA-256 digest (hex) is all that is kept.
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

    *unannounced* are those of the new ones that a notice should have told of by then. Unless it is
    *complete*, there is more to list.
    """

    listed: int = 0
    queued: int = 0
    unannounced: int = 0
    complete: bool = False

    def __add__(self, later: "Found") -> "Found":
        """Both, of which *later* was the end."""
        return Found(
            listed=self.listed + later.listed,
            queued=self.queued + later.queued,
            unannounced=self.unannounced + later.unannounced,
            complete=later.complete,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How the mail of one *folder* of a mailbox is received.

    *why* says why it is polled. A poll without *probe_at* ends as soon as what stands in the way
    does. *refusals* are those in a row. *reconciled_at* is when the last complete look began.
    *trouble* is what the last round failed of. *requests* are those that no round is done with yet.
    *version* changes whenever somebody asks for something, or takes it to work through.
    """

    tenant: str
    mailbox: str
    folder: str
    due_at: datetime
    mode: Mode = Mode.NOTICES
    why: str = ""
    silent_looks: int = 0
    refusals: int = 0
    probe_at: datetime | None = None
    subscription: Subscription | None = None
    reconciled_at: datetime | None = None
    trouble: str = ""
    requests: frozenset[Request] = frozenset()
    version: int = 0

    # --- What is to be done ---

    def wants_subscription(self, now: datetime) -> bool:
        """Whether notices are to be tried: always, unless they were found not to come."""
        return self.mode is Mode.NOTICES or self.probe_at is None or now >= self.probe_at

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

    def must_reconcile(self, now: datetime, pace: Pace) -> bool:
        return not self.is_ordinary or now >= self._reconcile_at(now, pace)

    @property
    def is_ordinary(self) -> bool:
        """Whether notices should have told of all that the next look finds (rule 3)."""
        if self.requests or self.trouble or self.reconciled_at is None:
            return False
        return self.subscription is None or self.subscription.renewed_at <= self.reconciled_at

    def should_have_told(self, received_at: datetime, now: datetime) -> bool:
        """Whether a notice of a message that came in at *received_at* should have been here."""
        subscription = self.subscription
        return (
            subscription is not None and subscription.created_at < received_at < now - NOTICE_GRACE
        )

    # --- What has been done ---

    def subscribed(self, subscription: Subscription) -> "Reception":
        """With notices to come; on probation if they had been silent (rule 4)."""
        return replace(
            self,
            mode=Mode.NOTICES,
            why="",
            probe_at=None,
            silent_looks=SILENT_LOOKS - 1 if self.why == SILENCE else self.silent_looks,
            refusals=0,
            subscription=subscription,
        )

    def obstructed(self, why: str) -> "Reception":
        """Without notices for as long as what stands in their way does."""
        return self._polled(why, probe_at=None)

    def refused(self, why: str, now: datetime) -> "Reception":
        """Without notices until the provider, asked again, agrees (rule 5)."""
        wait = min(PROBE_SOON * (1 << min(self.refusals, 16)), PROBE_EVERY)
        return replace(self._polled(why, probe_at=now + wait), refusals=self.refusals + 1)

    def silenced(self, now: datetime) -> "Reception":
        """Without notices for a day, since they fail to come."""
        return self._polled(SILENCE, probe_at=now + PROBE_EVERY)

    def _polled(self, why: str, *, probe_at: datetime | None) -> "Reception":
        return replace(
            self, mode=Mode.POLLING, why=why, probe_at=probe_at, silent_looks=0, subscription=None
        )

    def reconciled(
        self, began: datetime, found: Found, *, trouble: str = "", excused: bool = False
    ) -> "Reception":
        """After a look that *began* then, in spite of *trouble* with notices, if there was any.

        What was asked for is done when there is none, and nothing more to list. The look does not
        count as silent if it is *excused*: the mailbox could not be got into before.
        """
        if not found.complete:
            return replace(self, trouble=trouble or self.trouble)
        silent_looks = self.silent_looks
        judged = self.is_ordinary and not excused
        if judged and found.unannounced:
            silent_looks += 1
        elif judged and found.listed > found.queued:
            silent_looks = 0  # there was mail, and notices had told of all that they should have
        return replace(
            self,
            silent_looks=silent_looks,
            requests=self.requests if trouble else frozenset(),
            trouble=trouble,
            reconciled_at=began,
        )

    @property
    def is_silent(self) -> bool:
        return self.mode is Mode.NOTICES and self.silent_looks >= SILENT_LOOKS

    # --- When to come back ---

    def next_due(self, now: datetime, pace: Pace) -> datetime:
        """When there is something to do again, if nobody asks for anything before."""
        if self.trouble:
            return now + pace.poll_every
        moments = [self._reconcile_at(now, pace)]
        if self.subscription:
            moments.append(self.subscription.renewal_at)
        if self.probe_at:
            moments.append(self.probe_at)
        return max(now, min(moments))

    def _reconcile_at(self, now: datetime, pace: Pace) -> datetime:
        told = self.mode is Mode.NOTICES and self.subscription and self.subscription.is_live(now)
        interval = pace.reconcile_every if told else pace.poll_every
        return (self.reconciled_at or now) + interval
