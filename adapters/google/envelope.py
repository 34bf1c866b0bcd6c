"""What Pub/Sub wraps around a notification of Gmail, pushed or pulled.

https://developers.google.com/gmail/api/guides/push and
https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage
"""

import base64

from pydantic import BaseModel, Field

from postroom.adapters.google.pointer import GooglePointer
from postroom.domain.pointer import MAX_TEXT


class PubsubMessage(BaseModel):
    data: str = Field(min_length=1)
    message_id: str = Field(default="", alias="messageId", max_length=MAX_TEXT)


class Envelope(BaseModel):
    """What Pub/Sub pushes. It may add fields: unknown ones are ignored."""

    message: PubsubMessage
    subscription: str = Field(min_length=1, max_length=MAX_TEXT)


class GmailNotification(BaseModel):
    """What Gmail says. *history_id* was seen as a string and as a number."""

    address: str = Field(alias="emailAddress")
    history_id: int = Field(alias="historyId", lt=2**64)


class _Claim(BaseModel):
    """Of an envelope of which nothing else can be read."""

    subscription: str


def read_message(message: PubsubMessage) -> GooglePointer:
    """The change that *message* announces. Raises ValueError."""
    notification = GmailNotification.model_validate_json(_decoded(message.data))
    return GooglePointer(
        history_id=notification.history_id,
        address=notification.address,
        pubsub_message_id=message.message_id,
    )


def is_unwrapped(body: bytes) -> bool:
    """Whether it is a notification without an envelope: pushed with payload unwrapping."""
    try:
        GmailNotification.model_validate_json(body)
    except ValueError:
        return False
    return True


def claimed_subscription(body: bytes) -> str:
    """The subscription that an envelope names which is malformed; empty if none can be read."""
    try:
        return _Claim.model_validate_json(body).subscription
    except ValueError:
        return ""


def _decoded(data: str) -> bytes:
    """Base64 of either alphabet (RFC 4648 sections 4 and 5), padded or not."""
    standard = data.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
