"""How a folder is kept in sync: by notifications, with a sync now and then, or by polling.

Notifications are a circuit that breaks when too many were missed: closed (mode notifications), open
(mode polling), half-open (a probe). They are quick and get lost; a sync is slow and finds all. So
every folder is synced at an interval whatever the notifications do, and often where they cannot be
relied on. The rules are the same for every provider, and for whatever announces new mail: a
subscription at the provider, a listener, or notifications that an operator has set up.

Rule 1  A subscription is renewed when half of its life is over, so that days of errors pass before
        notifications stop.
Rule 2  A sync that finds mail that no notification had announced in time has missed it. After
        MAX_MISSED_RUNS in a row the folder is polled, until a probe (notifications are tried again)
        succeeds a day later.
Rule 3  What has another explanation is not missed: a sync after an error, or after a subscription
        was made or renewed, or that somebody requested.
Rule 4  Notifications that come back are on probation: the next run that misses mail ends them.
Rule 5  A provider that refuses to send notifications is asked again soon, and then ever less often:
        that our endpoint is not up yet is over in seconds.
Rule 6  Where a provider lists no dates, mail that was found before its notification came is missed
        only if none has come NOTIFICATION_GRACE later (domain/suspicion.py).
Rule 7  While another system is to have the notifications (domain/ingress.py) a folder is polled,
        and a subscription of ours is left as it is.
Rule 8  A list that has not come as far as a notification said, or as we had come before, was made
        by a replica that lags: it is made again soon, and then less often. A list that stays behind
        us for BEHIND_FOR is that of another mailbox of the same address (domain/list_lag.py).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

PROBE_EVERY = timedelta(days=1)
"""How long a folder whose notifications failed to come is polled before they are tried again."""

PROBE_SOON = timedelta(seconds=10)
"""How soon a provider that refuses is asked again; twice as long each time, up to PROBE_EVERY."""

NOTIFICATION_GRACE = timedelta(minutes=5)
"""How late a notification may be. The slowest provider promises three minutes for messages, and
under one on average: learn.microsoft.com/graph/change-notifications-overview#latency.
"""

LISTENER_GRACE = timedelta(minutes=2)
"""How late a listener may be, which sees within a minute that a folder has changed.

It is shorter than the interval at which a folder is synced that a listener holds: else no mail that
such a sync finds would ever be late.
"""

HEAD_START = timedelta(minutes=10)
"""By how much a sync that was requested goes before those that are due anyway."""

LIST_LAG = timedelta(seconds=5)
"""How soon a list is made again that lags; then when it has lagged for as long again."""

LAGS_AT_MOST = timedelta(hours=1)
"""After which what a notification announced is not waited for any more: it was an error."""

BEHIND_FOR = timedelta(minutes=3)
"""How long a provider must say that we are ahead of it, in run after run, to be believed."""

MAX_MISSED_RUNS = 3
NOTIFICATIONS_MISSED = (
    f"{MAX_MISSED_RUNS} syncs in a row found mail that no notification had announced"
)

UNHEARD = "no notification has come since they were requested: see what should pass them on to us"
RUN_OUT = "the subscription to notifications has run out"


@dataclass(frozen=True, slots=True)
class SyncIntervals:
    """How often a folder is synced: where notifications come, where a listener holds it (whose
    connection may be dead without a sign), and where it is polled.

    *grace* is how late a notification may be.
    """

    sync_every: timedelta = timedelta(minutes=15)
    listen_every: timedelta = timedelta(minutes=5)
    poll_every: timedelta = timedelta(minutes=1)
    grace: timedelta = NOTIFICATION_GRACE

    @property
    def of_a_listener(self) -> "SyncIntervals":
        sync_every = min(self.listen_every, self.sync_every)
        return replace(self, sync_every=sync_every, grace=LISTENER_GRACE)


class Mode(StrEnum):
    """By what new mail is mainly found out about."""

    NOTIFICATIONS = "notifications"
    POLLING = "polling"


class Request(StrEnum):
    """What a notification, a lifecycle event, or a person has requested of the next run."""

    RENEW = "renew"
    RECREATE = "recreate"
    SYNC = "sync"
    CHANGED = "changed"  # a notification has announced new mail, and does not name it
