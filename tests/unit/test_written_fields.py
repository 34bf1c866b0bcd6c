"""What header fields say as the sender wrote it: the forms of RFC 8621 section 4.1.2."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroom.domain.mail.message import Address, TextFrom
from postroom.domain.mail.reader import read_message
from tests.mail import mail, message, multipart
from tests.samples import NAMES, sample


def test_raw_fields_are_as_they_were_sent() -> None:
    read = message("Subject:  a\r\n\tb ", "X-Other:c", "Subject: =?utf-8?q?d?=")

    assert read.raw_headers == (
        ("Subject", "  a\r\n\tb "),
        ("X-Other", "c"),
        ("Subject", " =?utf-8?q?d?="),
    )


def test_raw_fields_lose_nul_and_what_is_not_utf_8() -> None:
    read = read_message(b"Subject: a\x00b\xe9c \xc3\xa9\n\nx")

    assert read.raw_headers == (("Subject", " ab\ufffdc é"),)


@pytest.mark.parametrize("name", NAMES)
def test_each_field_is_there_in_both_forms(name: str) -> None:
    read = read_message(sample(name))

    assert [field for field, _ in read.raw_headers] == [field for field, _ in read.headers]


def test_ids_are_as_the_sender_wrote_them() -> None:
    written = message(
        "Message-ID: <CAF3@Mail.Example.org>",
        "In-Reply-To: <A2@\r\n Acme.Example> (yours)",
        "References: <A1@acme.example><A1@acme.example>",
        " <A2@Acme.Example>",
    ).written

    assert written.message_id == ("CAF3@Mail.Example.org",)
    assert written.in_reply_to == ("A2@Acme.Example",)
    assert written.references == ("A1@acme.example", "A1@acme.example", "A2@Acme.Example")


@pytest.mark.parametrize("value", ["", "none", "<@x>", f"<{'x' * 999}@x>"])
def test_what_names_no_message_is_no_id(value: str) -> None:
    assert message(f"In-Reply-To: {value}").written.in_reply_to is None


def test_a_field_that_is_not_there_is_another_thing_than_an_empty_one() -> None:
    written = message("To: undisclosed-recipients:;", "Subject:").written

    assert (written.to, written.cc) == ((), None)
    assert (written.subject, message("To: a@x").written.subject) == ("", None)


def test_everybody_who_is_named_can_be_reached() -> None:
    written = message(
        "From: A <a@x>, B <b@x>", "Sender: c@x", "Reply-To: d@x", "Cc: e@x", "Bcc: f@x"
    ).written

    assert written.author == (Address("A", "a@x"), Address("B", "b@x"))
    others = (written.sender, written.reply_to, written.cc, written.bcc)
    assert others == tuple((Address("", f"{name}@x"),) for name in "cdef")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (
            "Mon, 4 Feb 2030 08:12:29 +0530",
            datetime(2030, 2, 4, 8, 12, 29, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
        ("Mon, 4 Feb 2030 08:12:29 -0000", datetime(2030, 2, 4, 8, 12, 29, tzinfo=UTC)),
        ("31 Dec 9999 23:59:59 -2300", None),
        ("yesterday", None),
    ],
)
def test_a_date_has_the_offset_of_its_sender(date: str, expected: datetime | None) -> None:
    written = message(f"Date: {date}").written

    assert written.date == expected
    if written.date and expected:
        assert written.date.utcoffset() == expected.utcoffset()


# --- Parts ---


def test_a_file_has_its_part_number_and_what_the_sender_says_of_it() -> None:
    raw = multipart(
        "mixed",
        "\r\ntext",
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
        "--c\r\nContent-Type: image/png\r\n\r\nx\r\n"
        "--c\r\nContent-Type: text/csv; charset=utf-8; name=b.csv\r\n"
        "Content-Disposition: ATTACHMENT; filename=a.csv\r\nContent-Language: de, en-GB\r\n"
        "Content-Location: http://x.test/\r\n a.csv\r\n\r\ny\r\n--c--",
    )

    image, table = read_message(raw).attachments

    assert (image.part, image.is_named, image.disposition) == ("2.1", False, "")
    assert (table.part, table.is_named, table.disposition) == ("2.2", True, "attachment")
    assert (table.charset, table.languages) == ("utf-8", ("de", "en-GB"))
    assert table.location == "http://x.test/a.csv"


def test_the_only_part_is_the_first() -> None:
    (file,) = read_message(mail("Content-Type: image/png")).attachments

    assert file.part == "1"


# --- The text ---


def test_a_message_of_html_alone_has_the_text_of_it() -> None:
    read = read_message(sample("html_only"))

    assert read.text == "Two headsets are on their way.\nTrack the parcel or do not."
    assert read.text_from is TextFrom.HTML


def test_the_text_that_the_sender_wrote_goes_before_that_of_the_html() -> None:
    raw = multipart("alternative", "\r\nplain", "Content-Type: text/html\r\n\r\n<p>html</p>")

    read = read_message(raw)

    assert (read.text, read.text_from) == ("plain", TextFrom.PLAIN)


@pytest.mark.parametrize("html", ["<img src=x>", "<p> </p>", "<!-- -->"])
def test_html_that_says_nothing_is_no_text(html: str) -> None:
    read = message("Content-Type: text/html", body=html)

    assert (read.text, read.text_from) == ("", TextFrom.NONE)


def test_text_from_html_has_no_control_characters() -> None:
    assert message("Content-Type: text/html", body="a&#12;b&#13;c&#0;").text == "ab\nc\ufffd"
