"""Pages of dead letters: how each queue cuts them, and where the next one begins.

No two letters have died at the same moment, so the last one's moment is all that a cursor says: it
holds its place while others come and go.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from postroom.application.ports import DeadLetterPage, InvalidCursor
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter

LOOKED_AT = 200
"""Letters that one page looks at: reading them takes a server a millisecond or so."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def page_of(
    looked_at: Sequence[DeadLetter], chosen: DeadLetterFilter, limit: int
) -> DeadLetterPage:
    """What matches among *looked_at*: the next LOOKED_AT letters, or as many as are left."""
    matching = [n for n, letter in enumerate(looked_at) if chosen.matches(letter)][:limit]
    seen = matching[-1] + 1 if len(matching) == limit else len(looked_at)
    at_end = seen == len(looked_at) < LOOKED_AT
    return DeadLetterPage(
        letters=[looked_at[n] for n in matching],
        next="" if at_end else str(microseconds(looked_at[seen - 1].died_at)),
    )


def beginning(chosen: DeadLetterFilter, after: str) -> datetime | None:
    """Letters of the page died before that moment (None: at any). Raises InvalidCursor."""
    bounds = [chosen.died_before, _moment_of(after) if after else None]
    return min(filter(None, bounds), default=None)


def microseconds(moment: datetime) -> int:
    """From 1970 on."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_after(microseconds: int) -> datetime:
    """So many microseconds after 1970 began."""
    return _EPOCH + microseconds * _MICROSECOND


def _moment_of(cursor: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,17}", cursor):
        raise InvalidCursor("no page of dead letters ends there")
    return moment_after(int(cursor))
