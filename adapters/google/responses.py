"""Gmail's answers, as far as they are read here. Numbers come as strings, and as numbers too.

Schemas: https://developers.google.com/workspace/gmail/api/reference/rest/v1
"""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from postroom.domain.failure import Unavailable
from postroom.domain.mail.message import SourceHints

ResponseT = TypeVar("ResponseT", bound="GmailResponse")

LAST_MILLISECOND = 253_402_300_799_999
"""Of the year 9999, the last that a datetime can hold."""

_KEYWORDS = {"STARRED": "$flagged", "DRAFT": "$draft"}
"""What labels say in the terms of RFC 8621; whether it was answered, Gmail says nowhere."""


class GmailResponse(BaseModel):
    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=to_camel),
        frozen=True,
        hide_input_in_errors=True,  # it may be mail
    )


class Listing(GmailResponse):
    next_page_token: str = ""


class Profile(GmailResponse):
    """*email_address* is the mailbox's own; that by which we know it may be an alias."""

    history_id: int
    email_address: str = ""


class RawMessage(GmailResponse):
    """`messages.get` with `format=raw`. *internal_date* is in milliseconds of the epoch.

    What is in *raw* is not read here, but as it comes (raw_message.py).
    """

    id: str
    thread_id: str = ""
    label_ids: tuple[str, ...] = ()
    internal_date: int = Field(ge=0, le=LAST_MILLISECOND)
    raw: bytes

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


class LabelledMessage(ListedMessage):
    """*label_ids* are left out where there are none, and where Gmail does not know them."""

    label_ids: frozenset[str] | None = None


class MessageList(Listing):
    """`messages.list`, newest first."""

    messages: tuple[ListedMessage, ...] = ()


class Change(GmailResponse):
    """A message that came in, or one of which the labels *label_ids* were added, or removed."""

    message: LabelledMessage
    label_ids: frozenset[str] = frozenset()


class HistoryRecord(GmailResponse):
    id: int
    messages_added: tuple[Change, ...] = ()
    labels_added: tuple[Change, ...] = ()
    labels_removed: tuple[Change, ...] = ()


class HistoryList(Listing):
    """`history.list`, oldest first; *history_id* is where the mailbox stands now."""

    history: tuple[HistoryRecord, ...] = ()
    history_id: int


class ListedLabel(GmailResponse):
    id: str
    name: str


class LabelList(GmailResponse):
    """`labels.list`, all at once. A label of the system has its id for a name."""

    labels: tuple[ListedLabel, ...] = ()


class Watch(GmailResponse):
    """`users.watch`. *expiration* is in milliseconds of the epoch."""

    expiration: int = Field(ge=0, le=LAST_MILLISECOND)

    @property
    def ends_after(self) -> timedelta:
        return timedelta(milliseconds=self.expiration)


def read_response(model: type[ResponseT], body: bytes) -> ResponseT:
    """Raises Unavailable if *body* is not what Gmail says it sends."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Unavailable(f"gmail sent an unreadable {model.__name__}") from error
