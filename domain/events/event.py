"""A fact, as it is stored with what it states, and delivered to each subscriber that wants it.

No subject, no address and no body is in one, and no word of an application but its reference.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

_RULE = "postroom-event-1"
_SIZE = 20


class EventType(StrEnum):
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_COMPLETED = "message.completed"
    MESSAGE_SKIPPED = "message.skipped"
    MESSAGE_DEAD = "message.dead"
    MAILBOX_DEGRADED = "mailbox.degraded"
    MAILBOX_RECOVERED = "mailbox.recovered"
    MAILBOX_SUSPENDED = "mailbox.suspended"
    MAILBOX_PAUSED = "mailbox.paused"
    MAILBOX_RESUMED = "mailbox.resumed"
    APPLICATION_FAILING = "application.failing"
    APPLICATION_RECOVERED = "application.recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """*tenant* is empty for what is the installation's own. *data* is as the type wants it:
    `body_types.py`.
    """

    tenant: str
    type: EventType
    at: datetime
    data: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """36 characters of `[a-z2-7_]`, derived: a fact that is written again is the same event.

        What the store alone knows, and puts in later, is no part of it.
        """
        facts = [_RULE, self.tenant, self.type, self.at.astimezone(UTC).isoformat(), self.data]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()[:_SIZE]
        return "evt_" + base64.b32encode(digest).decode("ascii").lower()


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it was written, under the *id* that it has for good."""

    id: str
    event: Event
