"""Whether notifications are suspected of not coming, by what syncs find that none has announced.

Where a provider numbers its changes, a notification announces all up to a number, and mail is
announced if its own is not greater: one notification may stand for many messages, and some mail
has none of its own. Where it gives neither numbers nor dates, any notification is taken to
announce all that was found before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.domain.sync_result import SyncResult


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Of runs in a row, *missed_runs* found mail that no notification had announced in time.

    Mail up to number *up_to* (0: it has none) was found at *since*, and is not announced yet.
    """

    missed_runs: int = 0
    since: datetime | None = None
    up_to: int = 0

    def lifted(self) -> "Suspicion":
        return Suspicion(self.missed_runs)

    def heard(self, announced_to: int, *, changed: bool) -> "Suspicion":
        """With all announced up to a number; *changed* says that a notification has just come."""
        has_come = announced_to >= self.up_to if self.up_to else changed
        return self.lifted() if has_come else self

    def judged(
        self, began: datetime, result: SyncResult, grace: timedelta, *, changed: bool
    ) -> "Suspicion":
        """After a sync that *began* then, of mail that is suspect once no notification came within
        *grace*.
        """
        if self.since and began - self.since >= grace:
            return Suspicion(self.missed_runs + 1)
        if changed:
            return self._without_missed_runs() if result.announced else self
        if result.missed:
            return Suspicion(self.missed_runs + 1, self.since, self.up_to)
        if result.announced or result.listed > result.queued + result.too_old:
            return self._without_missed_runs()  # there was mail, and it had been announced
        return self

    def found(self, began: datetime, result: SyncResult) -> "Suspicion":
        """The first that is found is late before the others are."""
        if self.since or not result.undated:
            return self
        return Suspicion(self.missed_runs, began, result.undated_to)

    def _without_missed_runs(self) -> "Suspicion":
        return Suspicion(0, self.since, self.up_to)
