"""A mailbox: its messages with their labels, and the history of both.

Rule 1: every change takes the next history id; ids ascend and leave gaps.
Rule 2: a record shows a message with the labels that it had at that moment.
Rule 3: a record is kept until `expire_history`; older ids are then answered by a 404.
Rule 4: while the index lags, the history ends where it ended when the lag began.
Source: https://developers.google.com/workspace/gmail/api/guides/sync.
"""

import hashlib
import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json, base64url

Changed = Callable[[Collection[str], int], None]

GAP = 7
FIRST_HISTORY_ID = 1000

SYSTEM_LABELS = (
    "CHAT", "DRAFT", "IMPORTANT", "INBOX", "SENT", "SPAM", "STARRED", "TRASH", "UNREAD",
    "CATEGORY_FORUMS", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL",
    "CATEGORY_UPDATES",
)  # fmt: skip


@dataclass
class StoredMessage:
    id: str
    serial: int
    labels: tuple[str, ...]
    raw: bytes
    received_at: datetime
    history_id: int

    @property
    def order(self) -> int:
        """Ascending with the time of arrival, and unique."""
        return self.milliseconds * 10**6 + self.serial

    @property
    def milliseconds(self) -> int:
        return round(self.received_at.timestamp() * 1000)

    def reference(self) -> Json:
        return {"id": self.id, "threadId": self.id}

    def body(self, form: str) -> Json:
        body = {
            **self.reference(),
            "labelIds": list(self.labels),
            "snippet": "",
            "historyId": str(self.history_id),
            "internalDate": str(self.milliseconds),
            "sizeEstimate": len(self.raw),
        }
        return body | {"raw": base64url(self.raw)} if form == "raw" else body


@dataclass(frozen=True)
class HistoryRecord:
    """*kind* is messageAdded, messageDeleted, labelAdded or labelRemoved."""

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
        plural = {"messageAdded": "messagesAdded", "messageDeleted": "messagesDeleted"}
        name = plural.get(self.kind, self.kind.replace("label", "labels"))
        return {"id": str(self.id), "messages": [self.message.reference()], name: [change]}


class GmailMailbox:
    """*changed* is called for each record, with the labels that it concerns and its id."""

    def __init__(self, address: str, changed: Changed = lambda _labels, _history_id: None) -> None:
        self.address = address
        self.history_id = FIRST_HISTORY_ID
        self.messages: dict[str, StoredMessage] = {}
        self.labels = set(SYSTEM_LABELS)
        self._changed = changed
        self._history: list[HistoryRecord] = []
        self._oldest = 0
        self._lag: tuple[int, int] = (0, 0)
        self._serial = itertools.count(1)

    def deliver(self, raw: bytes, labels: Collection[str], at: datetime) -> StoredMessage:
        serial = next(self._serial)
        self.labels.update(labels)
        name = f"{self.address}\x1f{serial}".encode()
        message = StoredMessage(
            id=hashlib.sha256(name).hexdigest()[:16],
            serial=serial,
            labels=tuple(labels),
            raw=raw,
            received_at=at,
            history_id=0,
        )
        self.messages[message.id] = message
        self._record("messageAdded", message)
        return message

    def relabel(self, message_id: str, *, add: Collection[str], remove: Collection[str]) -> None:
        message = self.message(message_id)
        self.labels.update(add)
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

    def message(self, message_id: str) -> StoredMessage:
        if found := self.messages.get(message_id):
            return found
        raise GoogleError(404, "notFound", "Requested entity was not found.")

    def expire_history(self) -> None:
        """Forget all that has happened up to now."""
        self._oldest = self.history_id
        self._history.clear()

    def lag(self, listings: int) -> None:
        """The next *listings* of the history will not see what happens from now on."""
        self._lag = (listings, self.history_id)

    def changes(self, start: int) -> tuple[list[HistoryRecord], int]:
        """The records after *start*, and the history id up to which they go."""
        if start < self._oldest:
            raise GoogleError(404, "notFound", "Requested entity was not found.")
        left, end = self._lag
        self._lag = (max(left - 1, 0), end)
        end = end if left else self.history_id
        return [record for record in self._history if start < record.id <= end], end

    def _record(self, kind: str, message: StoredMessage, changed: tuple[str, ...] = ()) -> None:
        self.history_id += GAP
        message.history_id = self.history_id
        record = HistoryRecord(self.history_id, kind, message, message.labels, changed)
        self._history.append(record)
        self._changed((*message.labels, *changed), record.id)
