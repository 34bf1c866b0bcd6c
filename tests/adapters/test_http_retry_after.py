"""How long a server asks to be left alone, in all the forms that the header has."""

from datetime import timedelta

import pytest

from postroom.adapters.http.retry_after import retry_after
from postroom.adapters.memory.clock import ManualClock

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        (" 30 ", timedelta(seconds=30)),
        ("7200", timedelta(hours=1)),
        ("86400", timedelta(hours=1)),
        ("31536000", timedelta(hours=1)),
        ("Tue, 01 Jan 2030 00:02:00 GMT", timedelta(minutes=2)),
        ("Tue, 01 Jan 2030 00:02:00 -0000", timedelta(minutes=2)),
        ("Tue, 01 Jan 2030 09:00:00 GMT", timedelta(hours=1)),
        ("Wed, 01 Jan 2031 00:00:00 GMT", timedelta(hours=1)),
    ],
)
def test_the_wait_is_in_seconds_or_ends_at_a_date(
    clock: ManualClock, header: str, wait: timedelta
) -> None:
    assert retry_after(header, clock.now()) == wait
    assert retry_after(header, clock.now(), shortest=SECOND) == wait


@pytest.mark.parametrize("header", ["0", "Mon, 31 Dec 2029 00:00:00 GMT"])
def test_a_wait_that_is_over_is_the_shortest(clock: ManualClock, header: str) -> None:
    assert retry_after(header, clock.now()) == timedelta()
    assert retry_after(header, clock.now(), shortest=SECOND) == SECOND


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "-1",
        "1.5",
        "²",
        "99999999999999999999",
        "9" * 5000,
        "Tue, 99 Foo 2030",
        "Tue, 01 Jan 2030 00:02:00 +" + "9" * 18,
    ],
)
def test_what_cannot_be_read_names_no_wait(clock: ManualClock, header: str | None) -> None:
    assert retry_after(header, clock.now(), shortest=SECOND) is None
