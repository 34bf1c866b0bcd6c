import io

import pytest
from rich.console import Console

from postroom.entrypoints.cli.progress import EVERY, progress


class Seconds:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_line_comes_every_few_seconds() -> None:
    out, seconds = io.StringIO(), Seconds()
    with progress("redriving", 900, console=Console(file=out), clock=seconds) as report:
        for done, at in [(100, 0), (200, EVERY - 1), (300, EVERY), (400, EVERY + 1), (500, 20)]:
            seconds.now = at
            report(done)

    assert out.getvalue() == "redriving: 300 of 900\nredriving: 500 of 900\n"


def test_what_takes_no_time_is_not_told() -> None:
    out = io.StringIO()
    with progress("redriving", 2, console=Console(file=out)) as report:
        report(2)

    assert out.getvalue() == ""


def test_where_the_total_is_not_known_it_is_not_told() -> None:
    out, seconds = io.StringIO(), Seconds()
    with progress("counting", console=Console(file=out), clock=seconds) as report:
        seconds.now = EVERY
        report(200)

    assert out.getvalue() == "counting: 200\n"


@pytest.mark.parametrize(("total", "shown"), [(900, "300/900"), (None, "300/?")])
def test_a_terminal_shows_a_bar(total: int | None, shown: str) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80)
    with progress("redriving", total, console=terminal) as report:
        report(300)

    assert "redriving" in out.getvalue()
    assert shown in out.getvalue()


def test_it_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = Seconds()
    with progress("counting", clock=seconds) as report:
        seconds.now = EVERY
        report(1)

    assert capsys.readouterr() == ("", "counting: 1\n")
