"""Points at a message in Gmail, or at all that its history lists."""

from dataclasses import dataclass
from typing import ClassVar

from postroom.domain.pointer import InvalidPointer, Pointer, check_bounds

MAX_MESSAGE_IDS = 500
"""Message ids that one pointer may hold: history.list returns at most 500 a page."""


@dataclass(frozen=True, slots=True)
class GooglePointer(Pointer):
    """A Gmail notification: the mailbox *address* has changed up to *history_id*.

    With no *message_ids* it stands for all that the history lists; with one it is that message.
    """

    provider: ClassVar[str] = "google"

    history_id: int
    address: str
    pubsub_message_id: str = ""
    message_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.history_id < 1:
            raise InvalidPointer("history_id must be a positive number")
        if len(self.message_ids) > MAX_MESSAGE_IDS:
            raise InvalidPointer(f"message_ids may hold {MAX_MESSAGE_IDS} ids at the most")
        check_bounds(self, required=("address",))

    @property
    def key(self) -> tuple[str, ...]:
        if len(self.message_ids) == 1:
            return "message", self.message_ids[0]
        return "history", str(self.history_id), *self.message_ids
