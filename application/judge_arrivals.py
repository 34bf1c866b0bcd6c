"""What new messages say of the notifications: announced, missed, or not to be said yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from postroom.application.ports import Arrival
from postroom.domain.folder_sync import FolderSync
from postroom.domain.sync_result import SyncResult


def judge_arrivals(
    new: Sequence[Arrival],
    folder_sync: FolderSync,
    now: datetime,
    grace: timedelta,
    *,
    backfilled: bool,
) -> SyncResult:
    """Of *new* messages, found now; mail that is older than *grace* should be announced.

    Of a list by date that shows no dates, nobody can say what notifications had announced.
    """
    others = [each for each in new if not folder_sync.is_announced(each.number)]
    undated = [each for each in others if not (each.received_at or backfilled)]
    missed = [
        each
        for each in new
        if each.received_at and folder_sync.should_have_notified(each.received_at, now, grace)
    ]
    return SyncResult(
        queued=len(new),
        announced=len(new) - len(others),
        missed=len(missed),
        undated=len(undated),
        undated_to=max((each.number for each in undated), default=0),
    )
