"""A mailbox: its messages with their labels, and the history of both.

Rule 1: every change takes the next history id; ids ascend and leave gaps.
Rule 2: a record shows a message with the labels that it had at that moment.
Rule 3: a record is kept until `expire_history`; older ids are then answered by a 404.
Rule 4: a replica that has fallen behind shows nothing of what has come since: its history ends
there, with its id, and a message that is newer is not found.
Rule 5: a reply is in the thread of what it answers.
Source: https://developers.google.com/workspace/gmail/api/guides/sync. What Gmail says to an id
that is yet to come is not written down: here the history ends at the id that there is, and is
empty, as it is at a replica that lags.
"""

import hashlib
import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from postroom.entrypoints.emulators.gmail.labels import SYSTEM_LABELS
from postroom.entrypoints.emulators.gmail.messages import StoredMessage, references_of
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

GAP = 7
FIRST_HISTORY_ID = 1000

Changed = Callable[[Collection[str], int], None]

_PLURALS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
HISTORY_TYPES = tuple(_PLURALS)


@dataclass(frozen=True)
class HistoryRecord:
    """*kind* is one of HISTORY_TYPES."""

    id: int
    kind: str
    message: StoredMessage
    labels: tuple[str, ...]
    changed: tuple[str, ...] = ()

    def body(self) -> Json:
        message = {**self.message.reference(), "labelIds": list(self.labels)}
        change: Json = {"message": message}
        if self.changed:
            change["labelIds"] = list(self.changed)
        return {
            "id": str(self.id),
            "messages": [self.message.reference()],
            _PLURALS[self.kind]: [change],
        }


class GmailMailbox:
    """*changed* is called for each record, with the labels that it concerns and its id.

    *generation* counts the users who have had the address.
    """

    def __init__(
        self,
        address: str,
        changed: Changed = lambda _labels, _history_id: None,
        generation: int = 0,
    ) -> None:
        self.address = address
        self.generation = generation
        self.history_id = FIRST_HISTORY_ID
        self.messages: dict[str, StoredMessage] = {}
        self.labels = {label: label for label in SYSTEM_LABELS}
        self._changed = changed
        self._history: list[HistoryRecord] = []
        self._oldest = 0
        self._lag: tuple[int, int] = (0, 0)
        self._behind: tuple[int, int] | None = None
        self._requests = 0
        self._serial = itertools.count(1)
        self._threads: dict[str, str] = {}

    # --- What happens ---

    def deliver(self, raw: bytes, labels: Collection[str], at: datetime) -> StoredMessage:
        serial = next(self._serial)
        self._know(labels)
        message_id = self._new_id(serial)
        message = StoredMessage(
            id=message_id,
            thread_id=self._thread(raw, message_id),
            serial=serial,
            labels=tuple(labels),
            raw=raw,
            received_at=at,
            added_id=self.history_id + GAP,
            history_id=0,
        )
        self.messages[message.id] = message
        self._record("messageAdded", message)
        return message

    def relabel(self, message_id: str, *, add: Collection[str], remove: Collection[str]) -> None:
        message = self.message(message_id)
        self._know(add)
        added = tuple(label for label in add if label not in message.labels)
        remaining = tuple(label for label in message.labels if label not in remove)
        removed = tuple(label for label in message.labels if label in remove)
        message.labels = (*remaining, *added)
        if added:
            self._record("labelAdded", message, added)
        if removed:
            self._record("labelRemoved", message, removed)

    def delete(self, message_id: str) -> None:
        self._record("messageDeleted", self.message(message_id))
        del self.messages[message_id]

    def add_label(self, name: str) -> str:
        """A label of the user's own; gives its id."""
        label = f"Label_{len(self.labels)}"
        self.labels[label] = name
        return label

    def message(self, message_id: str) -> StoredMessage:
        if found := self.messages.get(message_id):
            return found
        raise GoogleError(404, "notFound", "Requested entity was not found.")

    # --- What goes wrong ---

    def expire_history(self) -> None:
        """Forget all that has happened up to now."""
        self._oldest = self.history_id
        self._history.clear()

    def lag(self, listings: int) -> None:
        """The next *listings* of the history will not see what happens from now on."""
        self._lag = (listings, self.history_id)

    def fall_behind(self, every: int = 1) -> None:
        """Each *every*-th request is answered by a replica that stands still from now on."""
        self._behind, self._requests = (self.history_id, every), 0

    def catch_up(self) -> None:
        self._behind = None

    # --- What is seen ---

    def seen(self) -> int:
        """Up to which history id the next request sees what has happened."""
        if self._behind is None:
            return self.history_id
        end, every = self._behind
        self._requests += 1
        return self.history_id if self._requests % every else end

    def changes(self, start: int, seen: int) -> tuple[list[HistoryRecord], int]:
        """The records after *start*, and the history id up to which they go."""
        if start < self._oldest:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        left, lagging = self._lag
        self._lag = (max(left - 1, 0), lagging)
        end = min(seen, lagging) if left else seen
        return [record for record in self._history if start < record.id <= end], end

    def _record(self, kind: str, message: StoredMessage, changed: tuple[str, ...] = ()) -> None:
        self.history_id += GAP
        message.history_id = self.history_id
        record = HistoryRecord(self.history_id, kind, message, message.labels, changed)
        self._history.append(record)
        self._changed((*message.labels, *changed), record.id)

    def _know(self, labels: Collection[str]) -> None:
        self.labels |= {label: label for label in labels if label not in self.labels}

    def _new_id(self, serial: int) -> str:
        past = (str(self.generation),) if self.generation else ()
        name = "\x1f".join((self.address, *past, str(serial)))
        return hashlib.sha256(name.encode()).hexdigest()[:16]

    def _thread(self, raw: bytes, message_id: str) -> str:
        own, answered = references_of(raw)
        known = [self._threads[each] for each in answered if each in self._threads]
        thread = known[-1] if known else message_id
        if own:
            self._threads[own] = thread
        return thread
