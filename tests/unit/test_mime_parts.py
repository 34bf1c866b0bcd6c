"""The tree of parts, and which of them are to be read."""

import pytest

from postroom.domain.mail.mime.bodies import find_bodies
from postroom.domain.mail.mime.parts import Part, read_parts

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
DIGEST = MIXED.replace(b"mixed", b"digest")
NO_BOUNDARY = "multipart without its boundary"


def tree(part: Part) -> object:
    return [tree(child) for child in part.children] or part.content_type.removeprefix("text/")


def bodies(source: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    found = find_bodies(read_parts(source, []))
    text, html, files = (
        [part.body for part in kind] for kind in (found.text, found.html, found.files)
    )
    return text, html, files


@pytest.mark.parametrize(
    "preface",
    [
        b"",
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b"From a@x.test Mon\n",
        b">From a@x.test\n",
        b"\n\xef\xbb\xbf\n",
    ],
)
def test_what_stands_before_the_headers_is_no_part_of_the_message(preface: bytes) -> None:
    part = read_parts(preface + b"Subject: hello\n\nbody", [])

    assert part.headers.fields == (("Subject", "hello"),)
    assert part.body == b"body"


def test_a_from_header_with_a_space_before_its_colon_is_no_mbox_line() -> None:
    assert read_parts(b"From : a@x.test\n\n", []).headers.get("from") == "a@x.test"


def test_line_ends_of_carriage_returns_alone_are_line_ends() -> None:
    assert read_parts(b"A: 1\rB: 2\r\rbody", []).body == b"body"


def nested(outer: bytes, inner: bytes) -> bytes:
    return b"\n".join(
        [
            b"Content-Type: multipart/mixed; boundary=" + outer,
            b"",
            b"--" + outer,
            b"Content-Type: multipart/alternative; boundary=" + inner,
            b"",
            b"--" + inner,
            b"",
            b"one",
            b"--" + outer,
            b"Content-Type: text/csv",
            b"",
            b"two",
            b"--" + outer + b"--",
        ]
    )


@pytest.mark.parametrize(("outer", "inner"), [(b"a", b"b"), (b"ab", b"a"), (b"a", b"ab")])
def test_an_inner_multipart_that_is_never_closed_swallows_nothing(
    outer: bytes, inner: bytes
) -> None:
    assert tree(read_parts(nested(outer, inner), [])) == [["plain"], "csv"]


@pytest.mark.parametrize(
    ("source", "expected", "defect"),
    [
        (MIXED + b"--b\n--b\n\nx\n--b--\n", ["plain", "plain"], None),
        (MIXED + b"--b\n\nx\n", ["plain"], "closing boundary missing"),
        (MIXED + b"--b\n\nx\n--b--\nepilogue\n", ["plain"], None),
        (MIXED + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n", ["plain", "plain"], None),
        (MIXED + b"--bb\n\nx\n--b \t\n\ny\n--b--  ", ["plain"], None),
        (MIXED + b"nothing here", "plain", "multipart without parts"),
        (MIXED + b"--c\n\nx\n--c--\n", ["plain"], NO_BOUNDARY),
        (b"Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n", ["plain"], NO_BOUNDARY),
        (b'Content-Type: multipart/a; boundary="a\n b"\n\n--a b\n\nx\n--a b--', ["plain"], None),
        (DIGEST + b"--b\n\nA: 1\n\nx\n--b--\n", ["message/rfc822"], None),
        (b"Content-Type: text\n\nx", "plain", None),
        (b"Content-Type: something else\n\nx", "plain", "malformed content type"),
        (b"Content-Type: x; name=a\n\nx", "application/octet-stream", "malformed content type"),
    ],
)  # fmt: skip
def test_parts_are_found(source: bytes, expected: object, defect: str | None) -> None:
    defects: list[str] = []

    assert tree(read_parts(source, defects)) == expected
    assert defects == ([defect] if defect else [])


def test_the_line_end_before_a_boundary_belongs_to_it() -> None:
    source = MIXED + b"--b\r\n\r\nx\r\n\r\n--b\r\n\r\n\r\n--b--\r\n"

    assert [part.body for part in read_parts(source, []).leaves()] == [b"x\r\n", b""]


def multipart(kind: bytes, boundary: bytes, *parts: bytes) -> bytes:
    head = b"Content-Type: multipart/" + kind + b"; boundary=" + boundary + b"\n\n"
    return (
        head
        + b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
        + b"--"
        + boundary
        + b"--"
    )


def leaf(content_type: bytes, body: bytes, disposition: bytes = b"inline") -> bytes:
    return (
        b"Content-Type: " + content_type + b"\nContent-Disposition: " + disposition + b"\n\n" + body
    )


def test_bodies_are_those_of_the_example_in_rfc_8621() -> None:
    """Section 4.1.4: A to K, of which B to D and E are two renderings of one thing."""
    mixed = multipart(
        b"mixed",
        b"4",
        leaf(b"text/plain", b"B"),
        leaf(b"image/jpeg", b"C"),
        leaf(b"text/plain", b"D"),
    )
    related = multipart(b"related", b"5", leaf(b"text/html", b"E"), leaf(b"image/jpeg", b"F"))
    inner = multipart(
        b"mixed",
        b"2",
        multipart(b"alternative", b"3", mixed, related),
        leaf(b"image/jpeg", b"G", b"attachment"),
        leaf(b"application/x-excel", b"H"),
        leaf(b"message/rfc822", b"J"),
    )
    source = multipart(b"mixed", b"1", leaf(b"text/plain", b"A"), inner, leaf(b"text/plain", b"K"))

    text, html, files = bodies(source)

    assert text == [b"A", b"B", b"D", b"K"]
    assert html == [b"A", b"E", b"K"]
    assert files == [b"C", b"F", b"G", b"H", b"J"]


def test_an_alternative_with_one_rendering_is_the_other_one_too() -> None:
    for kind in (b"text/plain", b"text/html"):
        source = multipart(b"mixed", b"1", multipart(b"alternative", b"2", leaf(kind, b"A")))

        assert bodies(source) == ([b"A"], [b"A"], [])


def test_no_part_is_in_neither_rendering_nor_a_file() -> None:
    inner = multipart(b"mixed", b"2", leaf(b"text/plain", b"A"), leaf(b"text/html", b"B"))

    text, html, files = bodies(multipart(b"alternative", b"1", inner))

    assert {*text, *html, *files} == {b"A", b"B"}
