"""Gmail's answers, as far as they are read here. Numbers come as strings, and as numbers too.

Schemas: https://developers.google.com/workspace/gmail/api/reference/rest/v1
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from postroom.domain.failure import Unavailable
from postroom.domain.mail.message import SourceHints

ResponseT = TypeVar("ResponseT", bound="GmailResponse")

LAST_MILLISECOND = 253_402_300_799_999
"""Of the year 9999, the last that a datetime can hold."""

_KEYWORDS = {"STARRED": "$flagged", "DRAFT": "$draft"}
"""What labels say in the terms of RFC 8621; whether it was answered, Gmail says nowhere."""

NOT_INBOUND = frozenset({"DRAFT", "SPAM", "TRASH"})


class GmailResponse(BaseModel):
    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=to_camel),
        frozen=True,
        hide_input_in_errors=True,  # it may be mail
    )


class Listing(GmailResponse):
    next_page_token: str = ""


class Profile(GmailResponse):
    history_id: int


def _base64url(text: object) -> bytes:
    """RFC 4648 section 5, with or without padding, and nothing else in it."""
    if not isinstance(text, str):
        raise ValueError("not a text")  # noqa: TRY004 - pydantic reports only a ValueError
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class RawMessage(GmailResponse):
    """`messages.get` with `format=raw`. *internal_date* is in milliseconds of the epoch."""

    id: str
    thread_id: str = ""
    label_ids: tuple[str, ...] = ()
    internal_date: int = Field(ge=0, le=LAST_MILLISECOND)
    raw: Annotated[bytes, BeforeValidator(_base64url)]

    @property
    def hints(self) -> SourceHints:
        """Labels by their ids: their names are another call."""
        words = [word for label, word in _KEYWORDS.items() if label in self.label_ids]
        words += [] if "UNREAD" in self.label_ids else ["$seen"]
        return SourceHints(
            thread_id=self.thread_id,
            labels=tuple(sorted(self.label_ids)),
            keywords=tuple(sorted(words)),
        )

    @property
    def received_at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.internal_date)


class ListedMessage(GmailResponse):
    id: str
    label_ids: frozenset[str] = frozenset()

    @property
    def inbound(self) -> bool:
        """Whether it came in. Mail that someone sent to themselves is SENT and INBOX: it did."""
        outgoing = "SENT" in self.label_ids and "INBOX" not in self.label_ids
        return not outgoing and not self.label_ids & NOT_INBOUND


class MessageList(Listing):
    """`messages.list`, newest first."""

    messages: tuple[ListedMessage, ...] = ()


class MessageAdded(GmailResponse):
    message: ListedMessage


class HistoryRecord(GmailResponse):
    id: int
    messages_added: tuple[MessageAdded, ...] = ()


class HistoryList(Listing):
    """`history.list`, oldest first; *history_id* is where the mailbox stands now."""

    history: tuple[HistoryRecord, ...] = ()
    history_id: int

    @property
    def inbound(self) -> tuple[str, ...]:
        added = (added.message for record in self.history for added in record.messages_added)
        return tuple(message.id for message in added if message.inbound)


def read_response(model: type[ResponseT], body: bytes) -> ResponseT:
    """Raises Unavailable if *body* is not what Gmail says it sends."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Unavailable(f"gmail sent an unreadable {model.__name__}") from error
