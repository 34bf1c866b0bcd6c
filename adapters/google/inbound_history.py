"""Reads from the records of a mailbox's history what came in: see labels.py.

A record shows the labels of a message, and Gmail leaves them out where there are none, or where it
does not have them at hand: then it is asked. Whether they are those of that moment, or of now,
Google does not say; both readings find the same mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound, Refused
from postroom.adapters.google.labels import SENT, InboundRule
from postroom.adapters.google.responses import Change, HistoryList, HistoryRecord, LabelledMessage
from postroom.domain.mailbox import Mailbox

MAX_LOOKED_UP = 50
"""Messages whose labels one list asks for: each costs as much of the quota as a fetch. The list
ends there, and the next one goes on."""


@dataclass(frozen=True, slots=True)
class InboundPage:
    """What came in up to the record *reached* (0: none was read): by id, its record's number.

    *is_cut* says that there are records behind that.
    """

    numbers: Mapping[str, int]
    reached: int
    is_cut: bool = False


@dataclass(slots=True)
class InboundHistory:
    """Goes from page to page of one list."""

    gmail: GmailClient
    mailbox: Mailbox
    rule: InboundRule
    _listed: set[str] = field(default_factory=set)
    _new: set[str] = field(default_factory=set)
    _looked_up: dict[str, frozenset[str] | None] = field(default_factory=dict)

    async def read(self, page: HistoryList) -> InboundPage:
        """What of *page* came in, and was on none before. Raises as a request to Gmail does."""
        numbers: dict[str, int] = {}
        reached = 0
        for record in page.history:
            if len(self._looked_up) >= MAX_LOOKED_UP:
                return InboundPage(numbers, reached, is_cut=True)
            numbers.update(dict.fromkeys(await self._inbound(record), record.id))
            self._listed.update(numbers)
            reached = max(reached, record.id)
        return InboundPage(numbers, reached)

    async def _inbound(self, record: HistoryRecord) -> list[str]:
        found = [
            *[each for each in record.messages_added if await self._came_in(each)],
            *[each for each in record.labels_added if await self._gained(each)],
            *[each for each in record.labels_removed if await self._lost(each)],
        ]
        return [each.message.id for each in found if each.message.id not in self._listed]

    async def _came_in(self, change: Change) -> bool:
        self._new.add(change.message.id)
        labels = await self._labels(change)
        return labels is None or self.rule.came_in(labels)

    async def _gained(self, change: Change) -> bool:
        return self.rule.opens(change.label_ids) and await self._moved_in(change)

    async def _lost(self, change: Change) -> bool:
        if change.message.id in self._new and self.rule.opens(change.label_ids):
            # It came in since we have looked, and was archived, or thrown away.
            return SENT not in (change.message.label_ids or ())
        return self.rule.bars(change.label_ids) and await self._moved_in(change)

    async def _moved_in(self, change: Change) -> bool:
        labels = await self._labels(change)
        return labels is None or self.rule.moved_in(labels)

    async def _labels(self, change: Change) -> frozenset[str] | None:
        """None if the message is not there: not any more, or, by a replica that lags, not yet.

        Which it is, its fetch finds out, which has time for that, and holds up no other message.
        """
        message_id, labels = change.message.id, change.message.label_ids
        if labels is not None:
            return labels
        if message_id not in self._looked_up:
            self._looked_up[message_id] = await self._look_up(message_id)
        return self._looked_up[message_id]

    async def _look_up(self, message_id: str) -> frozenset[str] | None:
        path = f"messages/{quote(message_id, safe='')}"
        try:
            message = await self.gmail.get(
                self.mailbox, path, LabelledMessage, params={"format": "minimal"}
            )
        except (NotFound, Refused):
            return None
        return message.label_ids or frozenset()
