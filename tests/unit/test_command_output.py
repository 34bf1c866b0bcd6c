import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroom.entrypoints.cli.output import (
    Row,
    format_span,
    of_tenant,
    one_line,
    print_fields,
    print_json,
    print_table,
    show,
)

ID = "7f3a" * 8
NOON = datetime(2030, 1, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
"""In UTC, it is noon."""

Draw = Callable[..., list[str]]


@dataclass(frozen=True, slots=True)
class View:
    name: str
    at: datetime
    parts: tuple[str, ...] = ()


def row(view: View) -> Row:
    return {"name": view.name}


@pytest.fixture
def draw(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Draw:
    """The lines of a table in a terminal that is so many columns wide."""

    def lines(*rows: Row, columns: int, prose: str = "") -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        print_table(rows, prose=[prose])
        return capsys.readouterr().out.splitlines()

    return lines


# --- Tables


def test_a_column_is_as_wide_as_what_is_in_it(draw: Draw) -> None:
    rows = [{"mailbox": "support", "in_flight": 7}, {"mailbox": "it", "in_flight": 1000}]

    assert draw(*rows, columns=80) == [
        "mailbox  in flight",
        "support          7",
        "it            1000",
    ]


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_an_id_stays_in_one_piece_however_narrow_the_terminal(draw: Draw, columns: int) -> None:
    row = {"job": ID, "died": NOON, "reason": "nobody knows what it could have been this time"}

    header, *lines = draw(row, columns=columns, prose="reason")

    assert header.split() == ["job", "died", "(UTC)", "reason"]
    assert f"{ID}  2030-01-01 12:00:00  nobody" in lines[0]
    assert " ".join(" ".join(lines).split()[3:]) == row["reason"]


def test_prose_takes_what_the_other_columns_leave(draw: Draw) -> None:
    row = {"reason": "a b " * 30, "job": ID}

    narrow, wide = draw(row, columns=80, prose="reason"), draw(row, columns=200, prose="reason")

    assert all(len(line) <= 80 for line in narrow)
    assert len(narrow) == 4
    assert len(wide) == 2


def test_a_word_without_an_end_is_folded(draw: Draw) -> None:
    lines = draw({"job": ID, "reason": "x" * 100}, columns=60, prose="reason")

    assert max(map(len, lines)) <= 60
    assert sum(line.count("x") for line in lines) == 100


def test_what_a_stranger_wrote_is_shown_and_not_obeyed(draw: Draw) -> None:
    row = {"subject": "[red]\x1b[31mboo\x1b]0;title\x07\r\nnext\u202eline[/]"}

    [_, line] = draw(row, columns=80, prose="subject")

    assert line == "[red] [31mboo ]0;title   next line[/]"


def test_wide_letters_keep_the_columns_in_line(draw: Draw) -> None:
    rows = [{"subject": "見積もり", "number": 1}, {"subject": "Angebot", "number": 2}]

    _, first, second = draw(*rows, columns=80)

    assert first == "見積もり       1"
    assert second == "Angebot        2"


# --- Values


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (NOON, "2030-01-01 12:00:00"), (timedelta(minutes=5), "5 min"), (7, "7")],
)
def test_a_value_is_told_in_one_line(value: object, shown: str) -> None:
    assert one_line(value) == shown


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(), "0 s"),
        (timedelta(milliseconds=999), "0 s"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
        (timedelta(days=400, seconds=1), "400 d 1 s"),
    ],
)
def test_a_span_is_shown_in_its_two_largest_units(span: timedelta, shown: str) -> None:
    assert format_span(span) == shown


# --- JSON


def test_programs_get_every_field_and_times_in_iso(capsys: pytest.CaptureFixture[str]) -> None:
    show([View("é", NOON, ("a", "b"))], row, as_json=True, empty="Nothing.")

    assert json.loads(capsys.readouterr().out) == [
        {"name": "é", "at": "2030-01-01T12:00:00.123456Z", "parts": ["a", "b"]}
    ]


def test_people_are_shown_the_columns_that_were_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    show([View("a", NOON)], row, as_json=False, empty="Nothing.")

    assert capsys.readouterr().out == "name\na\n"


def test_what_is_no_view_is_not_printed_by_accident() -> None:
    with pytest.raises(TypeError, match="no JSON for"):
        print_json({"span": timedelta(seconds=1)})


def test_one_thing_is_shown_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"id": "x", "added": NOON.astimezone(UTC), "paused": ""})

    assert capsys.readouterr().out == ("id           x\nadded (UTC)  2030-01-01 12:00:00\npaused\n")


@pytest.mark.parametrize(
    ("tenant", "option"), [("", ""), ("default", ""), ("acme", " --tenant acme")]
)
def test_a_command_to_be_copied_names_the_tenant_where_it_must(tenant: str, option: str) -> None:
    assert of_tenant(tenant) == option
