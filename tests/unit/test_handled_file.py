"""The list of what another system has handled, as it is read from a file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.domain.handover.comparison import Result, Theirs
from postroom.entrypoints.cli import handled_file
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.handled_file import HandledFile, read_handled
from postroom.entrypoints.cli.lines import MAX_LINE, summary

HEADER = "message_id,mailbox,handled_at,result\n"
GOOD = "<A@Mail.Example>,Support@acme.example,2026-11-26T10:14:07+01:00,\n"
RECORD = Theirs(
    line=2,
    identity="rfc5322:A@mail.example",
    mailbox="support@acme.example",
    handled_at=datetime(2026, 11, 26, 9, 14, 7, tzinfo=UTC),
)


def read(tmp_path: Path, text: str | bytes) -> HandledFile:
    file = tmp_path / "handled"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_handled(file)


def test_csv_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    text = (
        "Subject,HANDLED_AT,mailbox,message_id\n"
        "hello,2026-11-26T09:14:07Z,support@acme.example,A@mail.example\n"
    )

    assert read(tmp_path, text).records == [RECORD]


def test_a_json_object_a_line_says_the_same(tmp_path: Path) -> None:
    text = (
        '\n{"message_id": "<A@mail.example>", "mailbox": "support@acme.example",'
        ' "handled_at": "2026-11-26 09:14:07Z", "result": "Handled", "more": [1]}\n'
    )

    assert read(tmp_path, text).records == [RECORD]


def test_a_byte_order_mark_and_windows_line_ends_make_no_difference(tmp_path: Path) -> None:
    text = "\ufeff" + (HEADER + GOOD).replace("\n", "\r\n")

    assert read(tmp_path, text) == HandledFile([RECORD])


@pytest.mark.parametrize("result", list(Result))
def test_a_result_is_one_of_three_words(tmp_path: Path, result: Result) -> None:
    [record] = read(tmp_path, HEADER + GOOD.replace(",\n", f",{result}\n")).records

    assert record.result is result


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a@x,support@acme.example,2026-11-26T09:14:07", "handled_at is no time with its zone"),
        ("a@x,support@acme.example,yesterday,", "handled_at is no time with its zone"),
        ("a@x,support@acme.example,,", "handled_at is"),
        ("a@x,support,2026-11-26T09:14:07Z,", "mailbox is no address"),
        (",support@acme.example,2026-11-26T09:14:07Z,", "message_id is missing"),
        ("<>,support@acme.example,2026-11-26T09:14:07Z,", "message_id is empty"),
        ("a@x,support@acme.example,2026-11-26T09:14:07Z,perhaps", "result is none of: handled"),
        ("a@x,support@acme.example", "it has 2 columns, and the first line 4"),
        ('a@x,"support@acme.example,2026-11-26T09:14:07Z,', "it is not CSV"),
        ("x" * (MAX_LINE + 1), "it is longer than"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path, line: str, why: str) -> None:
    if line.count(",") == 2 and why.startswith("handled_at"):
        line += ","
    found = read(tmp_path, f"{HEADER}{GOOD}{line}\n{GOOD}")

    assert [record.line for record in found.records] == [2, 4]
    [bad] = found.bad
    assert bad.line == 3
    assert bad.why.startswith(why)
    assert "acme" not in bad.why


@pytest.mark.parametrize("line", [b"\xff\xfe", b"not json", b"[1]", b'{"mailbox": 7}', b"[" * 9999])
def test_a_bad_line_of_json_is_named_as_well(tmp_path: Path, line: bytes) -> None:
    good = (
        b'{"message_id": "a@x", "mailbox": "s@x.example", "handled_at": "2026-11-26T09:14:07Z"}\n'
    )

    found = read(tmp_path, good + line + b"\n" + good)

    assert [record.line for record in found.records] == [1, 3]
    assert [bad.line for bad in found.bad] == [2]


def test_a_file_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="handled_at missing"):
        read(tmp_path, "message_id,mailbox\n")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"cannot read .*nowhere: No such file"):
        read_handled(tmp_path / "nowhere")


def test_a_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handled_file, "MAX_RECORDS", 2)

    assert len(read(tmp_path, HEADER + GOOD * 2).records) == 2
    with pytest.raises(CommandFailed, match="more than 2 records"):
        read(tmp_path, HEADER + GOOD * 3)


def test_many_bad_lines_are_summed_up(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "a,b\n" * 30)

    told = summary(found.bad)
    assert told.startswith("30 lines cannot be read: line 2: it has 2 columns")
    assert told.endswith("; …")
    assert told.count("line ") == 20 + 20  # each names the first line as well
