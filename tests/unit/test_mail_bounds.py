"""The reader at its bounds: depth, parts, header fields; and in proportion to hostile input."""

from time import process_time

import pytest

from postroom.domain.mail.mime.headers import MAX_BLOCK, MAX_FIELDS, MAX_VALUE
from postroom.domain.mail.mime.parameters import MAX_PARAMETERS, read_parameters
from postroom.domain.mail.mime.parts import MAX_DEPTH, MAX_PARTS, Part, read_parts
from postroom.domain.mail.reader import read_message

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
SIZE = 1_000_000


def nested(depth: int) -> bytes:
    """A text within *depth* multiparts."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    closing = b"".join(b"\n--b%d--" % n for n in reversed(range(depth)))
    return opening + b"\ndeep" + closing


def depth_of(part: Part) -> int:
    return 1 + max(map(depth_of, part.children)) if part.children else 0


def test_multiparts_may_be_nested_as_deep_as_is_allowed() -> None:
    message = read_message(b"From: a@x\nDate: 1 Jan 2030 00:00\n" + nested(MAX_DEPTH))

    assert message.text == "deep"
    assert message.defects == ()


def test_what_is_nested_deeper_is_one_file() -> None:
    raw = nested(MAX_DEPTH + 1)

    message = read_message(raw)

    assert depth_of(read_parts(raw, [])) == MAX_DEPTH
    assert "nested too deep" in message.defects
    (file,) = message.attachments
    assert file.content_type == "application/octet-stream"
    assert b"deep" in file.content


def test_nesting_without_end_does_not_exhaust_the_stack() -> None:
    assert depth_of(read_parts(nested(20_000), [])) == MAX_DEPTH


@pytest.mark.parametrize(("parts", "is_too_many"), [(MAX_PARTS, False), (MAX_PARTS + 1, True)])
def test_parts_beyond_the_most_are_left_out(*, parts: int, is_too_many: bool) -> None:
    raw = MIXED + b"--b\n\nx\n" * parts + b"--b--"

    message = read_message(raw)

    assert message.text.count("x") == MAX_PARTS
    assert ("too many parts" in message.defects) == is_too_many


def test_parts_are_counted_over_all_multiparts() -> None:
    inner = b"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + b"--c\n\nx\n" * 300 + b"--c--\n"
    defects: list[str] = []

    leaves = list(read_parts(MIXED + inner * 5 + b"--b--", defects).leaves())

    assert len(leaves) <= MAX_PARTS
    assert defects.count("too many parts") >= 1


def test_header_fields_beyond_the_most_are_left_out() -> None:
    raw = b"A: 1\n" * MAX_FIELDS

    assert len(read_message(raw + b"\nx").headers) == MAX_FIELDS
    assert "too many headers" not in read_message(raw + b"\nx").defects
    message = read_message(raw + b"B: 2\n\nx")
    assert len(message.headers) == MAX_FIELDS
    assert "too many headers" in message.defects
    assert message.text == "x"


def test_a_value_beyond_the_longest_is_cut() -> None:
    longest = b"Subject: " + b"a" * (MAX_VALUE - 1)

    assert len(read_message(longest + b"\n\nx").subject) == MAX_VALUE - 1
    message = read_message(longest + b"bc\n\nx")
    assert message.subject == "a" * (MAX_VALUE - 1)
    assert "header too long" in message.defects
    assert message.text == "x"


def test_recipients_in_many_fields_are_bounded_as_those_in_one() -> None:
    message = read_message(b"To: a@x.test\n" * MAX_FIELDS + b"\nx")

    assert len(message.to) == MAX_FIELDS
    message = read_message((b"To: " + b"a@x.test, " * 600 + b"\n") * 100 + b"\nx")
    assert len(message.to) == pytest.approx(MAX_VALUE / len("a@x.test, "), abs=20)


def test_the_author_is_found_among_many_and_not_past_all_bounds() -> None:
    assert read_message(b"From: " + b"x, " * 100 + b"a@x.test\n\nx").sender.email == "a@x.test"
    assert read_message(b"From: " + b"x, " * 10_000 + b"a@x.test\n\nx").sender.email == ""


def test_a_header_that_never_ends_does_not_hide_the_body_for_good() -> None:
    raw = b"Subject: a\n" + b"X-Filler: b\n" * (MAX_BLOCK // 12) + b"the rest"

    message = read_message(raw)

    assert message.subject == "a"
    assert "headers too long" in message.defects
    assert message.text.endswith("the rest")


def test_parameters_beyond_the_most_are_left_out() -> None:
    _, parameters = read_parameters("a/b" + "".join(f"; p{n}=v" for n in range(1000)))

    assert 0 < len(parameters) <= MAX_PARAMETERS


def fill(before: bytes, unit: bytes) -> bytes:
    return before + unit * (SIZE // len(unit))


HOSTILE = {
    "line feeds": fill(b"x", b"\n"),
    "carriage returns": fill(b"x", b"\r"),
    "blanks": fill(b"Subject: ", b" "),
    "field names": fill(b"", b"a:\n"),
    "folds": fill(b"A: b\n", b" c\n"),
    "From lines": fill(b"", b"From x\n"),
    "quotations": fill(b"", b"To: " + b'"' * 60_001 + b"\n"),
    "quoted pairs": fill(b"", b"To: " + b'"\\' * 30_000 + b"\n"),
    "angles": fill(b"", b"To: " + b"<" * 60_000 + b"\n"),
    "comments": fill(b"", b"To: " + b"(" * 60_000 + b"\n"),
    "comments in angles": fill(b"", b"To: <" + b"(" * 60_000 + b">\n"),
    "names": fill(b"", b"To: " + b"x," * 30_000 + b"\n"),
    "bare addresses": fill(b"", b"To: " + b"n " * 15_000 + b"@ " * 15_000 + b"\n"),
    "encoded words": fill(b"", b"Subject: " + b"=?utf-8?q?a?= " * 4_000 + b"\n"),
    "open encoded words": fill(b"", b"Subject: " + b"=?utf-8?q?" * 6_000 + b"\n"),
    "references": fill(b"", b"References: " + b"<a@b>" * 12_000 + b"\n"),
    "parameters": fill(b"", b"Content-Type: a/b" + b'; a="\\' * 10_000 + b"\n"),
    "authors of attached messages": fill(
        MIXED, b"--b\nContent-Type: message/rfc822\n\nFrom: " + b"x," * 30_000 + b"\n\n\n"
    ),
    "empty parts": fill(MIXED, b"--b\n"),
    "near boundaries": fill(MIXED, b"--bx\n"),
    "boundaries without a line": fill(b"Content-Type: multipart/mixed\n\n", b"\n--a"),
    "the same multipart": fill(b"", MIXED + b"--b\n"),
    "messages in messages": fill(b"", b"Content-Type: message/rfc822\n\n"),
    "torn base64": fill(b"Content-Transfer-Encoding: base64\n\n", b"A=\x00A"),
    "soft line breaks": fill(b"Content-Transfer-Encoding: quoted-printable\n\n", b"="),
    "uuencoding": fill(b"Content-Transfer-Encoding: x-uuencode\n\n", b"!\n"),
    "cid": fill(b"Content-Type: text/html\n\n", b"cid:"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_message_and_no_faster(name: str) -> None:
    began = process_time()

    read_message(HOSTILE[name])

    assert process_time() - began < 5  # it is tenths; quadratic, it would be minutes
