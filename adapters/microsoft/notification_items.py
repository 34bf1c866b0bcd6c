"""What Graph posts: the shape of a notification and of its items, of either kind."""

import json
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.microsoft.pointer import MicrosoftPointer

MAX_NOTIFICATIONS = 1000
"""Notifications of one request."""

MAX_TOKENS = 100
"""Validation tokens of one request: Graph sends one for each application in each directory."""

MAX_TOKEN = 16 * 1024
"""Characters of a validation token. Graph's have about a tenth of it."""

_GUID = re.compile(r"[0-9A-Fa-f-]{36}")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_MESSAGE = re.compile(r"/messages(?:/|\(')([^/')?]+)", re.IGNORECASE)


class ResourceData(BaseModel):
    id: str | None = None


class NotificationItem(BaseModel):
    """One item of a notification. Graph may add fields at any time: unknown ones are ignored.

    One with a *lifecycle_event* is about the subscription, and has no message.
    """

    subscription_id: str = Field(alias="subscriptionId", max_length=128, pattern=r"^[!-~]+$")
    client_state: str | None = Field(default=None, alias="clientState")
    change_type: str | None = Field(default=None, alias="changeType")
    lifecycle_event: str | None = Field(default=None, alias="lifecycleEvent")
    resource: str | None = None
    resource_data: ResourceData | None = Field(default=None, alias="resourceData")

    @property
    def claimed_id(self) -> str:
        """The id of the subscription, if it looks like one: anybody can write anything there."""
        return self.subscription_id if _GUID.fullmatch(self.subscription_id) else ""

    def pointer(self) -> MicrosoftPointer:
        """Where the new message is. Raises InvalidPointer."""
        resource = self.resource or ""
        message_id = self.resource_data and self.resource_data.id
        if not message_id:
            in_path = _MESSAGE.search(resource)
            message_id = in_path and in_path[1]
        return MicrosoftPointer(self.subscription_id, message_id or "", resource)


class NotificationCollection(BaseModel):
    """An item that is none is read as whatever it is, so that it does not cost the others.

    *tokens* are those of a rich notification, which bears the messages themselves.
    """

    value: list[Annotated[NotificationItem | object, Field(union_mode="left_to_right")]] = Field(
        max_length=MAX_NOTIFICATIONS
    )
    tokens: list[Annotated[str, Field(max_length=MAX_TOKEN)]] | None = Field(
        default=None, alias="validationTokens", max_length=MAX_TOKENS
    )

    def items(self) -> list[NotificationItem | None]:
        """The items; None for each that is none."""
        return [item if isinstance(item, NotificationItem) else None for item in self.value]


def read_collection(body: bytes) -> NotificationCollection | None:
    """The notification in *body*, or None if there is none."""
    try:
        return NotificationCollection.model_validate_json(body)
    except ValidationError:
        return _read_patiently(body)


def _read_patiently(body: bytes) -> NotificationCollection | None:
    """The same where pydantic's parser refuses all of what is JSON, for the sake of a part of it:
    half a surrogate pair, 300 levels of nesting, 5,000 digits. They cost their own item alone.
    """
    try:
        content = json.loads(body.decode(), parse_int=float, object_pairs_hook=_object)
        return NotificationCollection.model_validate(content)
    except (ValueError, RecursionError):  # of the UTF-8, the JSON, or its shape
        return None


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Without what is no text: half a surrogate pair can be neither hashed nor stored."""
    return {
        name: None if isinstance(value, str) and _HALF_A_PAIR.search(value) else value
        for name, value in pairs
    }
