"""What a message says of its conversation and its envelope, and its first words."""

import pytest

from postroom.domain.mail.detected_type import detected_type
from postroom.domain.mail.envelope import Envelope, envelope_of
from postroom.domain.mail.preview import MAX_PREVIEW, preview_of
from postroom.domain.mail.thread import ThreadIds, thread_of
from tests.mail import message

# --- Conversation ---


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), ThreadIds(None, None)),
        (("References: <a@X> <b@x>", "In-Reply-To: <b@x>"), ThreadIds("a@x", "b@x")),
        (("References: <a@x> <b@x>",), ThreadIds("a@x", "b@x")),
        (("In-Reply-To: <b@X>",), ThreadIds("b@x", "b@x")),
        (("References: <a@x> <b@x>", "In-Reply-To: <a@x>"), ThreadIds("a@x", "a@x")),
        (("Message-ID: <m@x>", "In-Reply-To: <m@x> <b@x>"), ThreadIds("b@x", "b@x")),
        (("Message-ID: <m@x>", "References: <m@x>"), ThreadIds(None, None)),
    ],
)
def test_the_first_reference_opened_what_is_answered(
    fields: tuple[str, ...], expected: ThreadIds
) -> None:
    assert thread_of(message(*fields)) == expected


# --- Envelope ---

OWN = "support@acme.example"


def test_the_last_server_says_for_whom_it_took_the_message() -> None:
    read = message(
        "Return-Path: <bounce+7@example.org>",
        "X-Original-To: Support+42@acme.example",
        "Delivered-To: support@acme.example",
        "Delivered-To: support@acme.example",
        "Received: from mx.example.org",
        "To: all@acme.example",
    )

    assert envelope_of(read, OWN) == Envelope(
        "bounce+7@example.org", ("Support+42@acme.example", "support@acme.example"), "42"
    )


def test_what_stands_below_the_last_server_may_be_the_senders() -> None:
    read = message("Received: from mx.example.org", "Delivered-To: boss@acme.example")

    assert envelope_of(read, OWN).rcpt_to is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [("<>", ""), (" <a@x> ", "a@x"), ("<MAILER-DAEMON>", "MAILER-DAEMON"), ("", None)],
)
def test_the_null_path_is_another_thing_than_none(path: str, expected: str | None) -> None:
    assert envelope_of(message(f"Return-Path: {path}"), OWN).mail_from == expected


@pytest.mark.parametrize(
    ("to", "tag"),
    [
        ("support+Order-1@ACME.example", "Order-1"),
        ("support+a+b@acme.example", "a+b"),
        ("other+1@acme.example, support+2@acme.example", "2"),
        ("support+1@other.example", None),
        ("support@acme.example", None),
        ("support+@acme.example", None),
    ],
)
def test_the_tag_is_of_the_mailboxs_own_address(to: str, tag: str | None) -> None:
    assert envelope_of(message(f"To: {to}"), OWN).tag == tag


# --- Preview ---


@pytest.mark.parametrize(
    ("text", "preview"),
    [
        ("", ""),
        ("Thank you,\n\n it  has\tarrived.\n", "Thank you, it has arrived."),
        ("> quoted\nown", "own"),
        ("> quoted\n>more", "> quoted >more"),
        ("x" * MAX_PREVIEW, "x" * MAX_PREVIEW),
        ("x" * 300, "x" * (MAX_PREVIEW - 1) + "…"),
    ],
)
def test_a_preview_is_the_first_words_on_one_line(text: str, preview: str) -> None:
    assert preview_of(text) == preview


# --- Files ---


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"MZ", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content: bytes, expected: str | None) -> None:
    assert detected_type(content) == expected
