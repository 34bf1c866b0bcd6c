"""How long a provider's lists of a folder have ended too early: rule 8 of sync_rules.py."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.domain.sync_rules import BEHIND_FOR, LAGS_AT_MOST, LIST_LAG


@dataclass(frozen=True, slots=True)
class ListLag:
    """They end before what was announced, *lagging_since* then, or before our own position,
    *behind_since* then; None: they do not.
    """

    lagging_since: datetime | None = None
    behind_since: datetime | None = None

    def is_waited_for(self, now: datetime) -> bool:
        """Whether another list follows soon in any case."""
        return self._lasts(now) < LAGS_AT_MOST

    def again_in(self, now: datetime, most: timedelta) -> timedelta:
        """How soon, where it is waited for: when it has lasted for as long again."""
        return max(LIST_LAG, min(self._lasts(now), most))

    def is_for_good(self, now: datetime) -> bool:
        """Whether what was announced is not to come."""
        return self.lagging_since is not None and now - self.lagging_since >= LAGS_AT_MOST

    def is_of_another(self, now: datetime) -> bool:
        """Whether a list has been behind us for too long to be a replica's."""
        return self.behind_since is not None and now - self.behind_since >= BEHIND_FOR

    def _lasts(self, now: datetime) -> timedelta:
        since = self.behind_since or self.lagging_since
        return now - since if since else LAGS_AT_MOST
