"""What notifications are sent under: for how long, and whether it has been heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox_state import RECEIVING, StateName, state_of
from postroom.domain.subscription import FIRST_NOTIFICATION
from postroom.domain.sync_rules import RUN_OUT, UNHEARD
from tests.contracts.samples import NOON, google_mailbox, subscription, watch

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WATCH = watch()
RENEWED = replace(WATCH, renewed_at=NOON + DAY)


def test_it_is_renewed_at_its_providers_pace_or_when_half_of_its_life_is_over() -> None:
    assert WATCH.renewal_at == NOON + DAY
    assert replace(WATCH, renew_every=None).renewal_at == NOON + 3.5 * DAY
    assert replace(WATCH, renew_every=6 * DAY).renewal_at == NOON + 3.5 * DAY


def test_one_that_does_not_announce_itself_is_never_unheard() -> None:
    assert not subscription().is_unheard(None, NOON + DAY)


@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_one_that_is_new_is_unheard_until_it_is_heard(minutes: int) -> None:
    now = NOON + minutes * MINUTE

    assert WATCH.is_unheard(None, now)
    assert WATCH.is_unheard(NOON - MINUTE, now), "that was of another"
    assert not WATCH.is_unheard(NOON, now)


def test_one_that_is_renewed_is_given_time() -> None:
    assert not RENEWED.is_unheard(NOON, RENEWED.renewed_at + FIRST_NOTIFICATION - MINUTE)
    assert RENEWED.is_unheard(NOON, RENEWED.renewed_at + FIRST_NOTIFICATION)
    assert not RENEWED.is_unheard(RENEWED.renewed_at, NOON + 2 * DAY)


def _watched(heard: bool) -> FolderSync:  # noqa: FBT001 - of a test
    made = FolderSync(
        tenant="acme", mailbox="info", folder="all mail", due_at=NOON + 30 * DAY, synced_at=NOON
    )
    return replace(made.subscribed(WATCH), heard_at=NOON if heard else None)


def test_a_mailbox_receives_while_its_watch_lives_and_has_been_heard() -> None:
    mailbox = google_mailbox()

    assert state_of(mailbox, [_watched(heard=True)], NOON + MINUTE) == RECEIVING
    unheard = state_of(mailbox, [_watched(heard=False)], NOON + MINUTE)
    assert (unheard.name, unheard.reason) == (StateName.POLLING, UNHEARD)
    ended = state_of(mailbox, [_watched(heard=True)], NOON + 8 * DAY)
    assert (ended.name, ended.reason) == (StateName.POLLING, RUN_OUT)


def test_why_a_subscription_that_has_run_out_could_not_be_renewed_is_said() -> None:
    throttled = _watched(heard=True).throttled("gmail answered 429", NOON, DAY)

    assert throttled.polled_because(NOON + 8 * DAY) == "gmail answered 429"
