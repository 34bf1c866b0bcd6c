"""The body of an event, as a subscriber gets it. The published schema is made of these types.

Properties are added within a version, and never removed or given another type; so are types of
events: receivers ignore what they do not know.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypedDict

from postroom.domain.events.event import EventType
from postroom.domain.handover.body_types import Says, Time
from postroom.domain.outcome import Effect


class _Data(TypedDict):
    version: Literal[1]
    id: Annotated[str, Says("The event's own, the same in every call: by it doubles are known.")]
    tenant: Annotated[str | None, Says("null for what is the installation's.")]


class _OfMessage(_Data):
    mailbox: str
    jobId: Annotated[str, Says("Of the pointer that led to the message: the same in its events.")]
    identity: Annotated[str, Says("`identity.name` of `mail.received`; empty if it was not read.")]
    attempt: int


class _OfEnd(_OfMessage):
    application: Annotated[str | None, Says("null if it was not handed over to any.")]
    key: Annotated[str | None, Says("The key that the application knows it by, or null.")]


class AcceptedMessage(_OfMessage):
    """The message is stored, and will be handed over."""

    application: str


class CompletedMessage(_OfEnd):
    """The message is handled."""

    effect: Effect
    reference: Annotated[str, Says("A ticket's number, or what the application calls it.")]


class SkippedMessage(_OfEnd):
    """There was nothing to do."""

    reason: str


class DeadMessage(_OfEnd):
    """The message waits in the dead letters."""

    reason: Annotated[str, Says("In our words: what an application says is not repeated.")]
    refused: Annotated[bool, Says("Whether the application has said that it will never take it.")]


class DegradedMailbox(_Data):
    """A sync of the folder fails, or its notifications do not come."""

    mailbox: str
    folder: str
    state: Literal["polling", "waiting", "error"]
    reason: str


class RecoveredMailbox(_Data):
    """The folder is as it was before."""

    mailbox: str
    folder: str
    was: Literal["polling", "waiting", "error"]


class StoppedMailbox(_Data):
    """Its mail waits: by our own decision (suspended), or a person's (paused)."""

    mailbox: str
    reason: str


class ResumedMailbox(_Data):
    """Its mail is worked on again."""

    mailbox: str
    was: Literal["suspended", "paused"]
    since: Time


class FailingApplication(_Data):
    """It has failed for 5 minutes (alert 1), an hour (2), a day (3)."""

    application: str
    since: Time
    alert: int
    reason: str


class RecoveredApplication(_Data):
    """It answers again."""

    application: str
    since: Annotated[str, Says("When it began to fail.", time=True)]


DATA: Mapping[EventType, type] = {
    EventType.MESSAGE_ACCEPTED: AcceptedMessage,
    EventType.MESSAGE_COMPLETED: CompletedMessage,
    EventType.MESSAGE_SKIPPED: SkippedMessage,
    EventType.MESSAGE_DEAD: DeadMessage,
    EventType.MAILBOX_DEGRADED: DegradedMailbox,
    EventType.MAILBOX_RECOVERED: RecoveredMailbox,
    EventType.MAILBOX_SUSPENDED: StoppedMailbox,
    EventType.MAILBOX_PAUSED: StoppedMailbox,
    EventType.MAILBOX_RESUMED: ResumedMailbox,
    EventType.APPLICATION_FAILING: FailingApplication,
    EventType.APPLICATION_RECOVERED: RecoveredApplication,
}
"""What `data` has, by the type."""
