"""A body fits, and says what was cut to make it fit."""

import json
from dataclasses import replace
from time import process_time

import pytest

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body import render_body
from postroom.domain.mail.message import SourceHints
from postroom.domain.mail.mime.headers import MAX_BLOCK, MAX_VALUE
from tests.mail import mail, multipart
from tests.unit.handover_body.rig import (
    MAILBOX,
    OPTIONS,
    Json,
    acceptance,
    data,
    inbound,
    rendered,
)

SMALLEST = 16 * limits.KIBIBYTE


def truncated(body: Json) -> list[str]:
    named: list[str] = body["content"]["truncated"]
    return named


def test_a_text_beyond_the_limit_is_cut_between_characters() -> None:
    body = data(mail("Subject: a", body="ä" * limits.MAX_TEXT))

    assert len(body["content"]["text"].encode()) == limits.MAX_TEXT
    assert truncated(body) == ["content.text"]
    assert truncated(data(mail("Subject: a", body="a" * limits.MAX_TEXT))) == []


@pytest.mark.parametrize(("excess", "named"), [(0, []), (1, ["content.html"])])
def test_html_beyond_the_limit_is_left_out(excess: int, named: list[str]) -> None:
    text = "a" * (limits.MAX_HTML + excess)

    body = data(multipart("alternative", "\r\nb", f"Content-Type: text/html\r\n\r\n{text}"))

    assert (body["content"]["html"] is None) == bool(excess)
    assert truncated(body) == named


def test_html_that_could_not_be_sanitised_is_left_out_and_linked() -> None:
    message = inbound(mail("Content-Type: text/html", body="<p>a</p>"))

    body = json.loads(render_body(MAILBOX, message, None, acceptance(message), OPTIONS))["data"]

    assert body["content"]["originalHtml"]["size"] == len("<p>a</p>")
    assert truncated(body) == ["content.html"]


def test_header_fields_are_cut_from_the_end() -> None:
    fields = [f"X-{number}: {'a' * 900}" for number in range(300)]

    body = data(mail(*fields))

    names = [field["name"] for field in body["email"]["headers"]]
    assert names == [f"X-{number}" for number in range(len(names))]
    assert 100 < len(names) < 150
    assert truncated(body) == ["email.headers"]


def test_a_thousand_addresses_are_named_and_no_more() -> None:
    every = ", ".join(f"p{number}@example.org" for number in range(800))

    body = data(mail(f"To: {every}", "Cc: " + every))

    assert len(body["email"]["to"]) == 800
    assert len(body["email"]["cc"]) == 200
    assert "email.cc" in truncated(body)
    assert truncated(data(mail(f"To: {every}"))) == []


def test_a_thousand_recipients_are_all_there() -> None:
    every = ", ".join(f"p{number}@example.org" for number in range(1_000))

    body = data(mail(f"To: {every}"))

    assert len(body["email"]["to"]) == 1_000
    assert truncated(body) == []


def test_what_is_too_long_for_an_address_is_left_out() -> None:
    body = data(mail(f"To: {'a' * 400}@x.test, b@x.test", f"Cc: {'n' * 400} <c@x.test>"))

    assert [each["email"] for each in body["email"]["to"]] == ["b@x.test"]
    assert len(body["email"]["cc"][0]["name"]) == limits.MAX_NAME
    assert truncated(body) == ["email.to", "email.cc"]


def test_what_the_last_server_noted_is_bounded() -> None:
    fields = [f"Delivered-To: {number}@x.test" for number in range(200)]

    body = data(mail(f"Return-Path: <{'a' * 400}@x.test>", *fields))

    assert body["envelope"]["mailFrom"] is None
    assert len(body["envelope"]["rcptTo"]) == 100
    assert truncated(body) == ["envelope.mailFrom", "envelope.rcptTo"]


def test_a_bounce_names_a_hundred_recipients() -> None:
    every = ", ".join(f"{number}@x.test" for number in range(101))

    body = data(mail(f"X-Failed-Recipients: {every}"))

    assert len(body["automated"]["bounce"]["recipients"]) == 100
    assert truncated(body) == ["automated.bounce.recipients"]


def test_an_id_of_a_file_that_no_html_can_name_is_left_out() -> None:
    file = f"Content-Type: image/png\r\nContent-ID: <{'a' * 999}>\r\nContent-Location: {'b' * 999}"

    body = data(multipart("mixed", f"{file}\r\n\r\nx"))

    (part,) = body["email"]["attachments"]
    assert (part["cid"], part["location"]) == (None, None)
    assert truncated(body) == ["email.attachments.cid", "email.attachments.location"]


def test_three_hundred_files_are_two_hundred() -> None:
    file = "Content-Type: image/png; name=a.png\r\n\r\nx"

    body = data(multipart("mixed", "\r\ntext", *[file] * 300))

    assert len(body["email"]["attachments"]) == limits.MAX_ATTACHMENTS
    assert truncated(body) == ["email.attachments"]


def test_of_very_many_references_the_first_and_the_newest_are_there() -> None:
    every = [f"{number}.{'a' * 30}@x" for number in range(1_000)]

    body = data(mail("References: " + " ".join(f"<{each}>" for each in every)))

    chosen = body["email"]["references"]
    assert chosen == [every[0], *every[1 - len(chosen) :]]
    assert 100 < len(chosen) < 1_000
    assert truncated(body) == ["email.references"]


def test_a_subject_is_cut() -> None:
    body = data(mail(f"Subject: {'a' * 3_000}"))

    assert len(body["email"]["subject"]) == limits.MAX_SUBJECT
    assert truncated(body)[0] == "email.subject"


def test_what_the_provider_says_is_bounded() -> None:
    hints = SourceHints(thread_id="a" * 9_999, labels=("c" * 9_999,) * 999, folder="d" * 9_999)

    source = data(mail(f"Thread-Index: {'b' * 9_999}"), hints=hints)["source"]

    assert len(source["threadId"]) == len(source["threadIndex"]) == limits.MAX_SOURCE
    assert len(source["labels"]) == limits.MAX_LABELS


# --- The whole of it ---

FIELDS = [f"X-{number}: {'a' * 900}" for number in range(300)]


def large(text: str, html: str, *files: str) -> bytes:
    alternative = (
        f"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\n{text}\r\n"
        f"--c\r\nContent-Type: text/html\r\n\r\n{html}\r\n--c--"
    )
    return multipart("mixed", alternative, *files, head=("Subject: Re: a", *FIELDS))


def test_a_mail_of_thirty_megabytes_fits() -> None:
    file = f"Content-Type: application/pdf\r\n\r\n{'b' * 5_000_000}"

    raw = large("c" * 3_000_000, "d" * 3_000_000, *[file] * 5)
    body = data(raw)

    assert len(raw) > 30_000_000
    assert truncated(body) == ["content.text", "content.html", "email.headers"]
    assert [part["size"] for part in body["email"]["attachments"]] == [5_000_000] * 5
    assert body["raw"]["size"] == len(raw)


def test_what_takes_most_room_in_json_fits_too() -> None:
    html = '"' * (limits.MAX_HTML // 2)  # written as two bytes each

    body = data(large("\n\\" * (limits.MAX_TEXT // 2), html))

    assert "content.html" in truncated(body)


def test_the_order_in_which_a_body_is_cut_is_fixed() -> None:
    raw = large("c" * 20_000, "d" * 20_000, "Content-Type: image/png\r\n\r\n" + "e" * 20_000)
    options = replace(OPTIONS, inline_below=30_000)
    whole = len(rendered(raw, options=replace(options, max_body=10**6)))

    cuts = [
        truncated(data(raw, options=replace(options, max_body=size)))
        for size in (whole, whole - 1, 150_000, 60_000, 40_000, 20_000, SMALLEST)
    ]

    order = [
        "email.headers",  # by its own limit
        "email.attachments.content",
        "content.html",
        "reply",
        "content.text",
    ]
    assert cuts[0] == order[:1]
    assert cuts[1] == order[:2]
    assert all(named == order[: len(named)] for named in cuts)
    assert len(cuts[-1]) == len(order)


def test_what_is_left_of_the_text_has_the_most_that_there_is_room_for() -> None:
    options = replace(OPTIONS, max_body=SMALLEST)

    body = rendered(mail("Subject: a", body="ä" * 100_000), options=options)

    assert SMALLEST - 4 <= len(body) <= SMALLEST


def test_hostile_mail_fits_into_the_smallest_body() -> None:
    id_ = '"' * 900
    quotes = "\\" * 300
    raw = mail(
        f"Return-Path: <{quotes}@x>",
        f"Delivered-To: {'a' * 310}@x, {'b' * 310}@x",
        f"Message-ID: <{id_}@x>",
        f"References: <{id_}1@x> <{id_}2@x> <{id_}3@x>",
        f"In-Reply-To: <{id_}4@x>",
        *(f"{name}: " + ", ".join(f"{quotes}{n}@x" for n in range(99)) for name in ("To", "Cc")),
        f"Subject: {'ä' * 9_999}",
        f"Thread-Index: {'ä' * 9_999}",
        f"List-Id: <{'ä' * 9_999}>",
        f"List-Unsubscribe: {'<https://' + quotes * 5 + '>,' * 20}",
        "X-Failed-Recipients: " + ", ".join(f"{'ä' * 300}{n}@x" for n in range(99)),
        body="ä\n" * 100_000,
    )

    for size in (SMALLEST, 2 * SMALLEST, 10 * SMALLEST, OPTIONS.max_body):
        data(raw, options=replace(OPTIONS, max_body=size))


HOSTILE = {
    "addresses": b"".join(b"To: " + b"a@x, " * (MAX_VALUE // 5) + b"\n" for _ in range(15)),
    "references": b"References: " + b"<a@b>" * 12_000 + b"\n",
    "fields": b"X: y\n" * (MAX_BLOCK // 5),
    "lists": b"List-Unsubscribe: " + b"<https://" * 7_000 + b"\n",
    "results": b"Authentication-Results: " + b"a=b;" * 16_000 + b"\n",
    "failed": b"X-Failed-Recipients: " + b"a@x," * 16_000 + b"\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_message_and_no_faster(name: str) -> None:
    raw = HOSTILE[name] + b"\n" + b"> x\n" * 200_000
    began = process_time()

    data(raw)

    assert process_time() - began < 10
