"""The handovers that were accepted in shadow, and what becomes of them on the day of the change."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.handover.shadow import Decision, ShadowRow
from postroom.domain.takeover import Takeover

Place = tuple[str, str]
"""Of a row among those of its mailbox: its key and its application."""

BEGINNING: Place = ("", "")


class ShadowRows(Protocol):
    """Reads handovers by mailbox, and moves those that are in shadow; nothing else of them."""

    @abstractmethod
    async def page(
        self,
        tenant: str,
        mailbox: str,
        *,
        since: datetime,
        after: Place = BEGINNING,
        limit: int = 1000,
    ) -> Sequence[ShadowRow]:
        """Rows of the mailbox that are in shadow, and others that were accepted from *since* on.

        They come by key and application: *limit* at the most, of those behind the place *after*.
        """

    @abstractmethod
    async def release(
        self, tenant: str, mailbox: str, decisions: Sequence[Decision], takeover: Takeover
    ) -> int:
        """Store *decisions*, and the mailbox's takeover (`Takeovers.record`): all or nothing.

        A row that is not in shadow any more stays as it is. Returns how many have changed.
        """

    @abstractmethod
    async def expired(self, *, after: timedelta, limit: int) -> int:
        """Delete up to *limit* rows in shadow that were accepted longer ago than that.

        By the store's own clock. Returns how many were deleted.
        """
