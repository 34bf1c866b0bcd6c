"""What a provider sends notifications under."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REAUTHORIZATION_GAP = timedelta(minutes=10)
"""How long a provider that has had a subscription renewed may still ask for it to be.

Source: learn.microsoft.com/graph/change-notifications-lifecycle-events.
"""

FIRST_NOTIFICATION = timedelta(minutes=5)
"""How long the notification may take that a provider sends when a subscription is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Notifications go to *endpoint*, a URL of ours or a topic, until *expires_at*.

    It is renewed at the pace *renew_every* that its provider wants, and when half of its life is
    over at the latest. The provider wants nothing to be asked of it before *retry_at*, if that is
    given, and has said so with *throttled_by*.

    Where notifications show a secret, its SHA-256 digest (hex) is all that is stored. If it is
    *announced*, one notification follows as soon as it is made or renewed: where none comes, none
    would come of mail.
    """

    id: str
    endpoint: str
    created_at: datetime
    renewed_at: datetime
    expires_at: datetime
    secret_digest: str = ""
    renew_every: timedelta | None = None
    announced: bool = False
    retry_at: datetime | None = None
    throttled_by: str = ""

    def is_left_alone(self, now: datetime) -> bool:
        return self.retry_at is not None and now < self.retry_at

    def is_live(self, now: datetime) -> bool:
        return now < self.expires_at

    def serves(self, endpoint: str, now: datetime) -> bool:
        return self.is_live(now) and self.endpoint == endpoint

    def must_renew(self, now: datetime, *, requested: bool) -> bool:
        """Whether it is time to, or was *requested* by the provider (rule 1 of sync_rules.py)."""
        if self.is_left_alone(now):
            return False
        again = requested and now >= self.renewed_at + REAUTHORIZATION_GAP
        return again or now >= self.renewal_at

    @property
    def renewal_at(self) -> datetime:
        half = (self.expires_at - self.renewed_at) / 2
        return self.renewed_at + min(self.renew_every or half, half)

    def is_unheard(self, heard_at: datetime | None, now: datetime) -> bool:
        """Whether it should have announced itself by *now*, and was last *heard_at* then.

        One that is new is unheard until it has; one that is renewed is given time.
        """
        if not self.announced:
            return False
        if heard_at is None or heard_at < self.created_at:
            return True
        return heard_at < self.renewed_at and now >= self.renewed_at + FIRST_NOTIFICATION
