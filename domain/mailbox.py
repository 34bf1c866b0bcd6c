"""A mailbox of a tenant: where it is, how to get in, and whether it receives."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postroom.domain.access import NO_FAILURES, AccessTally
from postroom.domain.account import Account

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class InvalidMailbox(ValueError):
    """The mailbox cannot be added as described; the message says what to change."""


class PausedBy(StrEnum):
    """Who paused a mailbox, and so who may let it go on: what a person paused, a person resumes."""

    OPERATOR = "operator"
    ACCESS = "access"  # we ourselves, since its access had failed for too long


@dataclass(frozen=True, slots=True)
class Pause:
    """Why none of a mailbox's jobs is worked on. They are kept, and new ones are queued."""

    by: PausedBy
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """*id* is a short name, unique within the tenant. *access* counts failures to get in.

    *application* is the name of the one that gets its mail; empty if that is its tenant's.
    """

    tenant: str
    id: str
    address: str
    account: Account
    added_at: datetime
    paused: Pause | None = None
    access: AccessTally = NO_FAILURES
    application: str = ""

    def __post_init__(self) -> None:
        for what, value in (("tenant", self.tenant), ("mailbox", self.id)):
            if not _NAME.fullmatch(value):
                raise InvalidMailbox(
                    f"{what} {value!r}: use 1 to 63 of a-z 0-9 . _ - (a letter or digit first)"
                )
        if "@" not in self.address:
            raise InvalidMailbox(f"address {self.address!r}: use a full e-mail address")

    @property
    def provider(self) -> str:
        return self.account.provider
