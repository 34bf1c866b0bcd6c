"""Which dead letters a filter means, and how they are cut into pages."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.dead_letter_pages import (
    LOOKED_AT,
    beginning,
    microseconds,
    moment_after,
    page_of,
)
from postroom.application.ports import InvalidCursor
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def letter(*, died_at: datetime = NOON, readable: bool = True) -> DeadLetter:
    job = PointerJob(
        id="j1",
        tenant="acme",
        mailbox="support",
        pointer=MicrosoftPointer("s", "m"),
        enqueued_at=NOON,
    )
    return DeadLetter(
        id="j1",
        tenant="acme",
        mailbox="support",
        job=job if readable else None,
        attempts=2,
        reasons=((NOON, "HTTP 503"), (NOON, "Straße: HTTP 404")),
        died_at=died_at,
    )


def letters(count: int) -> list[DeadLetter]:
    return [letter(died_at=NOON - n * TICK) for n in range(count)]


# --- Filters


@pytest.mark.parametrize(
    "chosen",
    [
        EVERY_LETTER,
        DeadLetterFilter(tenant="acme"),
        DeadLetterFilter(mailbox="support"),
        DeadLetterFilter(provider="microsoft"),
        DeadLetterFilter(reason="404"),
        DeadLetterFilter(reason="STRASSE: http"),
        DeadLetterFilter(died_after=NOON),
        DeadLetterFilter(died_before=NOON + TICK),
        DeadLetterFilter(tenant="acme", mailbox="support", provider="microsoft", reason="HTTP"),
    ],
)
def test_a_letter_matches_what_is_true_of_it(chosen: DeadLetterFilter) -> None:
    assert chosen.matches(letter())


@pytest.mark.parametrize(
    "chosen",
    [
        DeadLetterFilter(tenant="acm"),
        DeadLetterFilter(mailbox="Support"),
        DeadLetterFilter(provider="imap"),
        DeadLetterFilter(reason="503"),
        DeadLetterFilter(died_after=NOON + TICK),
        DeadLetterFilter(died_before=NOON),
        DeadLetterFilter(tenant="acme", mailbox="sales"),
    ],
)
def test_a_letter_does_not_match_what_is_not_true_of_it(chosen: DeadLetterFilter) -> None:
    assert not chosen.matches(letter())


@pytest.mark.parametrize("provider", ["microsoft", "google", "imap"])
def test_a_letter_that_cannot_be_read_is_of_no_provider(provider: str) -> None:
    unreadable = letter(readable=False)

    assert unreadable.provider == ""
    assert not DeadLetterFilter(provider=provider).matches(unreadable)
    assert EVERY_LETTER.matches(unreadable)


# --- Pages


def test_a_page_ends_where_its_limit_is_reached() -> None:
    page = page_of(letters(3), EVERY_LETTER, 2)

    assert len(page.letters) == 2
    assert beginning(EVERY_LETTER, page.next) == NOON - TICK


@pytest.mark.parametrize(("count", "limit"), [(0, 1), (1, 1), (2, 5), (LOOKED_AT - 1, 1000)])
def test_where_fewer_letters_are_left_than_a_page_looks_at_is_the_end(
    count: int, limit: int
) -> None:
    page = page_of(letters(count), EVERY_LETTER, limit)

    assert (len(page.letters), page.next) == (count, "")


def test_a_page_of_letters_that_do_not_match_leads_on_behind_them() -> None:
    page = page_of(letters(LOOKED_AT), DeadLetterFilter(tenant="globex"), 10)

    assert page.letters == []
    assert beginning(EVERY_LETTER, page.next) == NOON - (LOOKED_AT - 1) * TICK


def test_a_page_begins_at_its_cursor_or_at_the_time_asked_for() -> None:
    early, late = NOON, NOON + TICK

    assert beginning(EVERY_LETTER, "") is None
    for chosen, after in [(early, late), (late, early), (early, early)]:
        cursor = str(microseconds(after))
        assert beginning(DeadLetterFilter(died_before=chosen), cursor) == early
    assert beginning(DeadLetterFilter(died_before=late), "") == late


def test_moments_are_exact_to_the_microsecond() -> None:
    moment = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    assert moment_after(microseconds(moment)) == moment


@pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "1" * 18, "1 ", "²"])
def test_a_cursor_that_is_none_is_refused_and_not_repeated(cursor: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        beginning(EVERY_LETTER, cursor)

    assert cursor not in str(refused.value)
