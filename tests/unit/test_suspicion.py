"""Whether notifications are suspected of not coming."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.suspicion import Suspicion
from postroom.domain.sync_result import SyncResult

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=5)

NOTHING = SyncResult(complete=True)
UNDATED = SyncResult(listed=2, queued=2, undated=2, undated_to=20)


def test_mail_that_none_has_announced_is_suspect_from_when_it_was_found() -> None:
    assert Suspicion().found(NOON, UNDATED) == Suspicion(0, NOON, 20)
    assert Suspicion().found(NOON, NOTHING) == Suspicion()


def test_the_first_that_is_found_is_late_before_the_others_are() -> None:
    first = Suspicion().found(NOON, UNDATED)

    later = SyncResult(listed=1, queued=1, undated=1, undated_to=30)
    assert first.found(NOON + timedelta(minutes=1), later) == first


@pytest.mark.parametrize(
    ("announced_to", "changed", "is_lifted"),
    [(19, False, False), (19, True, False), (20, False, True), (21, False, True)],
)
def test_what_has_a_number_is_announced_by_one_that_is_not_less(
    *, announced_to: int, changed: bool, is_lifted: bool
) -> None:
    heard = Suspicion(2, NOON, 20).heard(announced_to, changed=changed)

    assert heard == (Suspicion(2) if is_lifted else Suspicion(2, NOON, 20))


@pytest.mark.parametrize("changed", [True, False])
def test_what_has_none_is_announced_by_any_notification(*, changed: bool) -> None:
    heard = Suspicion(2, NOON).heard(99, changed=changed)

    assert heard == (Suspicion(2) if changed else Suspicion(2, NOON))


@pytest.mark.parametrize(("minutes", "missed_runs"), [(4, 1), (5, 2), (60, 2)])
def test_what_is_suspect_for_too_long_was_missed(minutes: int, missed_runs: int) -> None:
    began = NOON + timedelta(minutes=minutes)

    judged = Suspicion(1, NOON, 20).judged(began, NOTHING, GRACE, changed=False)

    assert judged.missed_runs == missed_runs


@pytest.mark.parametrize(
    ("result", "changed", "missed_runs"),
    [
        (NOTHING, False, 2),
        (NOTHING, True, 2),
        (UNDATED, False, 2),
        (SyncResult(listed=3, queued=3, announced=1, undated=2), False, 0),
        (SyncResult(listed=3, queued=3, announced=1, undated=2), True, 0),
        (SyncResult(listed=3, queued=0), False, 0),
        (SyncResult(listed=3, queued=0), True, 2),
        (SyncResult(listed=3, queued=2, too_old=1), False, 2),
        (SyncResult(listed=1, queued=1, missed=1), False, 3),
        (SyncResult(listed=1, queued=1, missed=1), True, 2),
    ],
)
def test_a_sync_says_of_notifications_that_they_come_or_not_or_nothing(
    *, result: SyncResult, changed: bool, missed_runs: int
) -> None:
    assert Suspicion(2).judged(NOON, result, GRACE, changed=changed).missed_runs == missed_runs
