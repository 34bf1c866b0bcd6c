import signal

import pytest

from postroom.entrypoints.restarting import Backoff, end_fields


def test_the_first_end_costs_no_wait_and_each_further_one_twice_as_much() -> None:
    backoff = Backoff()

    waits = [backoff.after(lived=0) for _ in range(9)]

    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_no_number_of_ends_is_too_large() -> None:
    backoff = Backoff(failures=100_000)

    assert backoff.after(lived=0) == 60


def test_what_has_stayed_up_begins_again() -> None:
    backoff = Backoff(settled=10)
    for _ in range(5):
        backoff.after(lived=9.9)

    assert [backoff.after(lived=10), backoff.after(lived=0)] == [0, 1]


@pytest.mark.parametrize(
    ("returncode", "fields"),
    [
        (0, {"exit_code": 0}),
        (3, {"exit_code": 3}),
        (-signal.SIGKILL, {"signal": "SIGKILL"}),
        (-signal.SIGSEGV, {"signal": "SIGSEGV"}),
        (-(signal.SIGRTMIN + 1), {"signal": str(signal.SIGRTMIN + 1)}),
        (None, {}),
    ],
)
def test_an_end_is_named_by_its_exit_code_or_signal(
    returncode: int | None, fields: dict[str, str | int]
) -> None:
    assert end_fields(returncode) == fields
