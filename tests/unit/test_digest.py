"""The digest is over what a message says, however it is wrapped."""

import base64
import quopri

import pytest

from postroom.domain.mail.digest import MAX_NESTED
from postroom.domain.mail.mime.parts import MAX_PARTS
from postroom.domain.mail.reader import read_message
from tests.samples import NAMES, sample

HEAD = (
    b"From: Ann <ann@x.test>\nDate: Mon, 4 Feb 2030 08:12:29 +0100\nSubject: caf\xc3\xa9\n"
    b"MIME-Version: 1.0\n"
)
BODY = "Grüße\nAnn\n".encode()


def digest(raw: bytes) -> str:
    return read_message(raw).content_digest


def text(encoding: bytes, body: bytes, charset: bytes = b"utf-8") -> bytes:
    return (
        b"Content-Type: text/plain; charset=" + charset + b"\n"
        b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body
    )


PLAIN = HEAD + text(b"8bit", BODY)


@pytest.mark.parametrize(
    "again",
    [
        PLAIN.replace(b"\n", b"\r\n"),
        HEAD + text(b"base64", base64.encodebytes(BODY)),
        HEAD + text(b"quoted-printable", quopri.encodestring(BODY)),
        HEAD + text(b"8bit", BODY.decode().encode("cp1252"), b"windows-1252"),
        HEAD + text(b"8bit", BODY + b"\n\n"),
        b"Received: from relay.test\nX-Added: 1\n" + PLAIN,
        PLAIN.replace(b"Mon, 4 Feb 2030 08:12:29 +0100", b"4 Feb 2030 07:12:29 GMT"),
        PLAIN.replace(b"Ann <ann@x.test>", b'"Ann Other" <ann@x.test>'),
        PLAIN.replace(b"caf\xc3\xa9", b"=?utf-8?q?caf=C3=A9?="),
    ],
)
def test_wrapping_makes_no_difference(again: bytes) -> None:
    assert digest(again) == digest(PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        PLAIN.replace(b"Ann <ann@", b"Ann <bob@"),
        PLAIN.replace(b"08:12:29", b"08:12:30"),
        PLAIN.replace(b"Mon, 4 Feb", b"nonsense"),
        PLAIN.replace(b"caf\xc3\xa9", b"cafe"),
        PLAIN.replace(b"\nAnn\n", b"\nBob\n"),
        PLAIN.replace(b"text/plain", b"text/html"),
    ],
)
def test_what_is_said_makes_all_the_difference(other: bytes) -> None:
    assert digest(other) != digest(PLAIN)


def test_a_date_that_cannot_be_read_counts_as_it_is_written() -> None:
    first, second = (PLAIN.replace(b"Mon, 4 Feb 2030", day) for day in (b"today", b"tomorrow"))

    assert digest(first) != digest(second)


def with_file(content: bytes, boundary: bytes = b"b", encoding: str = "base64") -> bytes:
    encoded = base64.encodebytes(content) if encoding == "base64" else content
    return b"\n".join(
        [
            HEAD + b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n",
            b"--" + boundary,
            text(b"8bit", BODY),
            b"--" + boundary,
            b"Content-Type: application/octet-stream",
            b"Content-Transfer-Encoding: " + encoding.encode() + b"\n",
            encoded,
            b"--" + boundary + b"--",
        ]
    )


def test_the_bytes_of_a_file_count_and_not_how_it_is_sent() -> None:
    sent = digest(with_file(b"bytes\n"))

    assert digest(with_file(b"bytes\n", boundary=b"other")) == sent
    assert digest(with_file(b"bytes\n", encoding="8bit")) == sent
    assert digest(with_file(b"other\n")) != sent


def attached(message: bytes, note: bytes = b"") -> bytes:
    return HEAD + note + b"Content-Type: message/rfc822\n\n" + message


def test_an_attached_message_counts_for_what_it_says_as_well() -> None:
    sent = digest(attached(PLAIN))

    assert digest(attached(b"X-Added: 1\n" + PLAIN)) == sent
    assert digest(attached(HEAD + text(b"base64", base64.encodebytes(BODY)))) == sent
    assert digest(attached(PLAIN.replace(b"Ann\n", b"Bob\n"))) != sent


def nested(*, traced: int | None = None) -> bytes:
    """A message in a message in …, the one at the depth *traced* with a field of its own."""
    depths = range(MAX_NESTED + 3)
    fields = (b"X-Trace: 1\n" if depth == traced else b"" for depth in depths)
    return b"".join(field + b"Content-Type: message/rfc822\n\n" for field in fields) + b"\nx"


@pytest.mark.parametrize(("depth", "is_read"), [(MAX_NESTED, True), (MAX_NESTED + 1, False)])
def test_messages_within_messages_are_looked_into_so_far_and_no_further(
    *, depth: int, is_read: bool
) -> None:
    assert (digest(nested(traced=depth)) == digest(nested())) == is_read


@pytest.mark.parametrize(
    ("messages", "parts", "is_read"),
    [
        (1, MAX_PARTS, True),
        (1, MAX_PARTS + 1, False),
        (2, MAX_PARTS // 2, True),
        (2, MAX_PARTS // 2 + 1, False),
    ],
)
def test_attached_messages_share_the_parts_that_may_be_looked_into(
    *, messages: int, parts: int, is_read: bool
) -> None:
    many = b"Content-Type: multipart/mixed; boundary=c\n\n" + b"--c\n\nx\n" * parts + b"--c--\n"

    def sent(field: bytes) -> bytes:
        part = b"--b\nContent-Type: message/rfc822\n\n" + field + many
        return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + part * messages + b"--b--"

    assert (digest(sent(b"X-Trace: 1\n")) == digest(sent(b""))) == is_read


def test_no_two_samples_have_one_digest() -> None:
    assert len({digest(sample(name)) for name in NAMES}) == len(NAMES)
