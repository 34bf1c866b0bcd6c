"""What read_message makes of whole messages: those of tests/samples, and small ones."""

from datetime import UTC, datetime

import pytest

from postroom.domain.failure import Unprocessable
from postroom.domain.mail.message import Address, Message
from postroom.domain.mail.reader import read_message
from tests.samples import NAMES, sample

HELP_DESK = Address("Help desk", "help@example.org")


def read(name: str) -> Message:
    return read_message(sample(name))


def read_lines(*lines: str) -> Message:
    return read_message("\r\n".join(lines).encode())


def files(message: Message) -> list[tuple[str, str]]:
    return [(file.filename, file.content_type) for file in message.attachments]


@pytest.mark.parametrize("raw", [b"", b" \r\n\t\r\n"])
def test_an_empty_message_cannot_be_processed(raw: bytes) -> None:
    with pytest.raises(Unprocessable, match="empty"):
        read_message(raw)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "broken_mime"])
def test_ordinary_mail_has_no_defects(name: str) -> None:
    assert read(name).defects == ()


def test_a_plain_message_says_who_what_and_when() -> None:
    message = read("plain")

    assert message.sender == Address("Marta Lind", "marta.lind@example.com")
    assert message.to == (HELP_DESK,)
    assert message.cc == ()
    assert message.subject == 'Printer on the second floor says "tray 2 empty"'
    assert message.sent_at == datetime(2030, 2, 4, 7, 12, 29, tzinfo=UTC)
    assert message.message_id == "20300204071229.A1@example.com"
    assert message.references == ()
    assert message.text.startswith("Good morning,\n\nthe printer next to the kitchen says that")
    assert message.text.endswith(
        "Could someone have a look?\n\nMany thanks\nMarta Lind\nAccounts \u2013 room 2.14\n"
    )
    assert message.html == ""
    assert message.attachments == ()
    assert ("To", "Help desk <help@example.org>") in message.headers


def test_a_reply_names_what_it_answers_once() -> None:
    message = read("reply")

    assert message.sender == Address("Berg, Jonas", "jonas.berg@example.com")
    assert message.references == ("20300204071229.A1@example.com",)
    assert len(message.to) == 2


def test_references_come_oldest_first_with_the_answered_one_last() -> None:
    message = read_lines(
        "Message-ID: <d@x.test>",
        "In-Reply-To: <c@x.test>",
        "References: <a@X.test> <b@x.test>",
        " <a@x.test> <d@x.test>",
        "",
        "text",
    )

    assert message.references == ("a@x.test", "b@x.test", "c@x.test")


def test_of_a_thousand_references_the_first_and_the_newest_are_kept() -> None:
    ids = [f"{number}@x.test" for number in range(1000)]

    message = read_lines("References: " + " ".join(f"<{id_}>" for id_ in ids), "", "text")

    assert message.references == (ids[0], *ids[-99:])


def test_a_message_id_that_no_line_could_hold_is_none() -> None:
    message = read_lines(f"Message-ID: <{'x' * 2000}@x.test>", "", "text")

    assert message.message_id == ""
    assert "malformed message id" in message.defects


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?q?=3Clong=2Eid=40x=2Etest=3E?=",
        "long.id@x.test",
        "<long.id@\r\n X.TEST>",
        "(a) <long.id@x.test>",
    ],
)
def test_a_message_id_is_found_however_it_is_written(value: str) -> None:
    assert read_lines(f"Message-ID: {value}", "", "text").message_id == "long.id@x.test"


@pytest.mark.parametrize("value", ["<@x.test>", "<@>", "<>", "<", "none", "Your message of Monday"])
def test_what_names_no_message_is_no_message_id(value: str) -> None:
    message = read_lines(f"Message-ID: {value}", f"In-Reply-To: {value}", "", "text")

    assert message.message_id == ""
    assert message.references == ()
    assert "malformed message id" in message.defects


def test_an_inline_image_belongs_to_the_html_that_shows_it() -> None:
    message = read("inline_image")

    (image,) = message.attachments
    assert message.sender.name == "Zoë van Dijk"
    assert message.subject == "Error when I save an invoice \u2013 screenshot below"
    assert "Zoë" in message.text
    assert '<img src="cid:error.png@01DA"' in message.html
    assert (image.filename, image.content_type) == ("error.png", "image/png")
    assert (image.content_id, image.inline) == ("error.png@01DA", True)
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("cid", [b"error%2Epng@01DA", b"error.png&#64;01DA", b"error.png%4001DA"])
def test_an_image_is_shown_however_the_html_writes_its_id(cid: bytes) -> None:
    message = read_message(sample("inline_image").replace(b"cid:error.png@01DA", b"cid:" + cid))

    assert [file.inline for file in message.attachments] == [True]


def test_a_defect_is_named_once_however_often_it_occurs() -> None:
    message = read_lines("A: 1", "stray", "B: 2", "stray", "C: 3", "", "text")

    assert message.defects.count("malformed header line") == 1


def test_an_image_that_nothing_shows_is_a_plain_attachment() -> None:
    message = read_message(sample("inline_image").replace(b"cid:error.png", b"cid:other.png"))

    assert [file.inline for file in message.attachments] == [False]


@pytest.mark.parametrize("cid", ["error.png%4001DA", "error.png&#64;01DA", "error%2Epng&#x40;01DA"])
def test_the_html_may_name_an_image_in_the_ways_of_urls_and_of_html(cid: str) -> None:
    raw = sample("inline_image").replace(b"cid:error.png@01DA", f"CID:{cid}".encode())

    assert [file.inline for file in read_message(raw).attachments] == [True]


@pytest.mark.parametrize("cid", ["&#1;", "&#" + "9" * 5000 + ";", "x" * 2000, ""])
def test_a_file_without_an_id_is_shown_by_nothing(cid: str) -> None:
    raw = sample("inline_image").replace(b"cid:error.png@01DA", f"cid:{cid}".encode())

    (image,) = read_message(raw.replace(b"Content-ID", b"X-Content-ID")).attachments

    assert (image.content_id, image.inline) == ("", False)


def test_attachments_keep_their_bytes_and_get_safe_names() -> None:
    message = read("attachments")

    assert message.text.endswith("list of equipment are attached.\n\nSam")
    assert files(message) == [
        ("Antrag für neue Mitarbeiter.pdf", "application/pdf"),
        ("Liste.csv", "text/csv"),
        ("_con.txt", "application/octet-stream"),
    ]
    assert message.attachments[0].content.startswith(b"%PDF-1.4\n")
    assert message.attachments[1].content == b"item,quantity\r\nlaptop,1\r\nheadset,1"
    assert message.cc == (
        Address("Purchasing", "purchasing@example.org"),
        Address("", "hr@example.org"),
    )


def test_raw_eight_bit_headers_are_in_the_charset_of_the_body() -> None:
    message = read("eight_bit_headers")

    assert message.sender == Address("Jürgen Müller", "juergen.mueller@example.com")
    assert message.subject == "Passwort zurücksetzen für Köln"
    assert "Mit freundlichen Grüßen" in message.text


def test_raw_utf_8_headers_are_read_as_such_whatever_the_body_says() -> None:
    message = read_lines("Subject: Köln", "Content-Type: text/plain; charset=koi8-r", "", "x")

    assert message.subject == "Köln"


def test_a_character_may_be_split_over_encoded_words() -> None:
    message = read_lines("Subject: =?utf-8?q?caf=C3?=\r\n =?UTF-8?B?qQ==?= ok =?x?z?", "", "x")

    assert message.subject == "café ok =?x?z?"
    assert read("japanese").subject == "会議室のプロジェクター"


def test_broken_mime_loses_nothing_and_says_what_was_wrong() -> None:
    message = read("broken_mime")

    assert message.sender == Address("Front desk", "front.desk@example.com")
    assert message.subject == "Door reader at the north entrance is dead"
    assert message.message_id == "door-0209@example.com"
    assert message.sent_at == datetime(2030, 2, 9, 6, 0, 9, tzinfo=UTC)
    assert message.text.startswith("The reader at the north entrance")
    assert files(message) == [("log.gz", "application/octet-stream")]
    assert message.attachments[0].content.startswith(b"\x1f\x8b")
    assert set(message.defects) == {
        "malformed header line",
        "malformed content type",
        "malformed base64",
        "closing boundary missing",
        "unknown charset",
    }


def test_a_message_without_an_id_has_none() -> None:
    message = read("no_message_id")

    assert message.message_id == ""
    assert message.text.startswith('Job "nightly" ended')


def test_an_attached_message_is_cut_from_the_source_byte_for_byte() -> None:
    raw = sample("forwarded")

    (attached,) = read_message(raw).attachments

    assert (attached.filename, attached.content_type) == (
        "Your mailbox is full.eml",
        "message/rfc822",
    )
    assert attached.content == raw[raw.index(b"Received: from unknown") : raw.index(b"\r\n--fwd--")]


def test_an_invitation_is_an_attachment_beside_both_renderings() -> None:
    message = read("invitation")

    assert message.text.startswith("Laptop hand-over\nThu 14 Feb")
    assert message.html.startswith("<p><b>Laptop hand-over</b>")
    assert files(message) == [("attachment-1.ics", "text/calendar")]


def test_a_bounce_keeps_its_report_and_the_headers_it_returns() -> None:
    message = read("bounce")

    assert message.text.startswith("The message could not be delivered")
    assert files(message) == [
        ("attachment-1.txt", "message/delivery-status"),
        ("attachment-2.txt", "text/rfc822-headers"),
    ]


def test_text_around_images_is_one_text() -> None:
    message = read("text_around_images")

    assert message.text == "The left one looks like this:\nand the right one like this:"
    assert files(message) == [("left.png", "image/png"), ("attachment-2.png", "image/png")]


def test_plain_text_among_html_is_in_the_html_too() -> None:
    message = read_lines(
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "",
        "a < b",
        "--b",
        "Content-Type: text/html",
        "",
        "<p>c</p>",
        "--b--",
    )

    assert message.text == "a < b"
    assert message.html == "<pre>a &lt; b</pre>\n<p>c</p>"


def test_a_text_with_a_filename_is_a_file_unless_it_comes_first() -> None:
    message = read_lines(
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain; name=body.txt",
        "",
        "body",
        "--b",
        "Content-Type: text/plain; name=log.txt",
        "",
        "log",
        "--b--",
    )

    assert message.text == "body"
    assert files(message) == [("log.txt", "text/plain")]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("From: a@x.test", Address("", "a@x.test")),
        ("Sender: a@x.test", Address("", "a@x.test")),
        ("From:\r\nReturn-Path: <a@x.test>", Address("", "a@x.test")),
        ("From: Postmaster", Address("Postmaster", "")),
        ("From: Postmaster, a@x.test", Address("", "a@x.test")),
        ("Subject: no sender", Address("", "")),
    ],
)
def test_the_sender_is_the_author_or_whoever_sent_it(header: str, expected: Address) -> None:
    message = read_lines(header, "", "text")

    assert message.sender == expected
    assert ("no sender" in message.defects) == (not expected.email)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 4 Feb 2030 08:12:29 +0100", datetime(2030, 2, 4, 7, 12, 29, tzinfo=UTC)),
        ("4 Feb 30 08:12 EST (a comment)", datetime(2030, 2, 4, 13, 12, tzinfo=UTC)),
        ("Mon, 4 Feb 2030 08:12:29 -0000", datetime(2030, 2, 4, 8, 12, 29, tzinfo=UTC)),
        ("Mon, 4 Feb 2030 08:12:29", datetime(2030, 2, 4, 8, 12, 29, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 99 Feb 2030 08:12:29 +0100", None),
        ("31 Dec 9999 23:59:59 -2300", None),
        ("4 Feb 2030 08:12:29 +9999999999999999", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_date_is_utc_or_none(date: str, expected: datetime | None) -> None:
    message = read_lines(f"Date: {date}", "", "text")

    assert message.sent_at == expected
    assert ("no readable date" in message.defects) == (expected is None)


def test_two_senders_are_a_defect_and_the_first_one_counts() -> None:
    message = read_lines("From: a@x.test", "From: b@x.test", "", "text")

    assert message.sender.email == "a@x.test"
    assert "several from headers" in message.defects
