"""What a provider sends notifications under."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Notifications come to *endpoint*, a URL, until *expires_at*.

    The provider wants nothing to be asked of it before *retry_at*, if that is given, and has said
    so with *throttled_by*.

    Each notification shows a secret, of which the SHA-256 digest (hex) is all that is stored.
    """

    id: str
    secret_digest: str
    endpoint: str
    created_at: datetime
    renewed_at: datetime
    expires_at: datetime
    retry_at: datetime | None = None
    throttled_by: str = ""

    def is_left_alone(self, now: datetime) -> bool:
        return self.retry_at is not None and now < self.retry_at

    def is_live(self, now: datetime) -> bool:
        return now < self.expires_at

    @property
    def renewal_at(self) -> datetime:
        return self.renewed_at + (self.expires_at - self.renewed_at) / 2
