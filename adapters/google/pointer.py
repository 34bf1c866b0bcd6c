"""Where a message of Gmail can be fetched from, and what says that a mailbox has changed."""

from dataclasses import dataclass, replace
from typing import ClassVar

from postroom.adapters.google.account import FOLDER, NAME
from postroom.domain.pointer import InvalidPointer, Pointer, check_bounds

MAX_MESSAGE_IDS = 500
"""Message ids that one pointer may hold: history.list returns at most 500 a page."""


@dataclass(frozen=True, slots=True)
class GooglePointer(Pointer):
    """A Gmail notification: the mailbox *address* has changed up to *history_id*.

    With no *message_ids* it stands for all that the history lists; with one it is that message.
    """

    history_id: int
    address: str
    pubsub_message_id: str = ""
    message_ids: tuple[str, ...] = ()

    provider: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        if self.history_id < 1:
            raise InvalidPointer("history_id must be a positive number")
        if len(self.message_ids) > MAX_MESSAGE_IDS:
            raise InvalidPointer(f"message_ids may hold {MAX_MESSAGE_IDS} ids at the most")
        check_bounds(self, required=("address",))

    @property
    def key(self) -> tuple[str, ...]:
        if self._is_message:
            return ("message", *self.message_ids)
        return ("history", str(self.history_id), *self.message_ids)

    @property
    def source(self) -> str:
        return source_of_id(self.message_ids[0]) if self._is_message else ""

    @property
    def changed_folder(self) -> str | None:
        return None if self._is_message else FOLDER

    @property
    def changed_to(self) -> int:
        return 0 if self._is_message else self.history_id

    @property
    def messages(self) -> tuple[Pointer, ...]:
        """Those that came with a notification of several."""
        if self._is_message:
            return ()
        return tuple(replace(self, message_ids=(each,)) for each in self.message_ids)

    @property
    def log_fields(self) -> dict[str, str | int]:
        fields: dict[str, str | int] = {
            "history_id": self.history_id,
            "pubsub_message_id": self.pubsub_message_id,
        }
        return fields | ({"message_id": self.message_ids[0]} if self._is_message else {})

    def is_reached_by(self, position: str) -> bool:
        return int(position or 0) >= self.history_id

    @property
    def _is_message(self) -> bool:
        return len(self.message_ids) == 1


def source_of_id(message_id: str) -> str:
    """Gmail's ids are the same for whoever reads the mailbox."""
    return f"{NAME}:{message_id}"
