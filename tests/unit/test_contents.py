"""Parts, HTML and text of the samples."""

from hashlib import sha256

import pytest

from postroom.domain.mail.contents import PartOf, read_html, read_part, read_text
from postroom.domain.mail.reader import read_message
from tests.samples import sample

NESTED = b"""Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/alternative; boundary=b

--b

plain
--b
Content-Type: text/html

<p>html</p>
--b--
--a
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary=c

--c

within
--c--
--a
Content-Type: image/png; name="x.png"
Content-Transfer-Encoding: base64

UE5H
--a--
"""


@pytest.mark.parametrize(
    ("number", "body"),
    [
        ("1.1", b"plain"),
        ("1.2", b"<p>html</p>"),
        ("3", b"PNG"),
    ],
)
def test_a_part_is_found_by_its_number_and_decoded(number: str, body: bytes) -> None:
    found = read_part(PartOf(NESTED, number))

    assert found
    assert (found.body, found.sha256) == (body, sha256(body).hexdigest())


def test_a_message_within_the_message_is_one_part() -> None:
    found = read_part(PartOf(NESTED, "2"))

    assert found
    assert found.content_type == "message/rfc822"
    assert b"within" in found.body


@pytest.mark.parametrize(
    "number", ["", "0", "1", "4", "1.3", "1.1.1", "2.1", "-1", "01", "1.", ".1", "x", "1" * 5000]
)
def test_there_is_no_part_of_another_number(number: str) -> None:
    assert read_part(PartOf(NESTED, number)) is None


def test_a_message_that_is_no_multipart_has_one_part() -> None:
    found = read_part(PartOf(b"Subject: x\n\nHello", "1"))

    assert found
    assert (found.filename, found.content_type, found.body) == (
        "attachment-1.txt",
        "text/plain",
        b"Hello",
    )
    assert read_part(PartOf(b"Subject: x\n\nHello", "1.1")) is None


def test_files_are_called_as_the_ticket_calls_them() -> None:
    raw = sample("attachments")
    names = [attachment.filename for attachment in read_message(raw).attachments]

    found = [read_part(PartOf(raw, str(number))) for number in range(1, 9)]

    assert [part.filename for part in found if part][-len(names) :] == names


def test_the_html_is_as_it_was_written() -> None:
    found = read_html(b"Content-Type: text/html; charset=latin1\n\n<p onclick=x()>\xe4</p>")

    assert found
    assert found.body == "<p onclick=x()>ä</p>".encode()
    assert read_html(b"Subject: x\n\nplain") is None


def test_the_text_is_that_of_the_html_where_there_is_no_other() -> None:
    assert read_text(b"Content-Type: text/html\n\n<p>a</p><p>b</p>").body == b"a\nb"
    assert read_text(b"Content-Type: text/plain; charset=latin1\n\n\xe4").body == "ä".encode()
    assert read_text(b"Subject: x\n\n").body == b""
