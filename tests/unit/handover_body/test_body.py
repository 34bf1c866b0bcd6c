"""What is in a body, by kinds of mail."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest

from postroom.domain.handover.body_input import Replayed
from postroom.domain.mail.message import SourceHints
from postroom.domain.mail.trusted_servers import TrustedServers
from tests.mail import mail, multipart
from tests.samples import NAMES, sample
from tests.unit.handover_body.rig import (
    MAILBOX,
    OPTIONS,
    acceptance,
    data,
    inbound,
    rendered,
)

ORDER = mail(
    "Return-Path: <bounce+7@example.org>",
    "Received: from mx.example.org",
    "Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=example.org;",
    " dkim=pass header.d=example.org header.s=s1; dmarc=pass (p=REJECT) header.from=example.org",
    "Message-ID: <CAF3@Mail.Example.org>",
    "In-Reply-To: <A2@acme.example>",
    "References: <A1@acme.example> <A2@acme.example>",
    "From: Jo Field <jo@example.org>",
    "To: Support+42@acme.example",
    "Subject: Re: Order 1043",
    "Date: Thu, 26 Nov 2026 10:13:55 +0100",
    body="Thank you, it has arrived.\r\n\r\nOn Mon, 23 Nov 2026 Ann wrote:\r\n> Well?\r\n",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_rendered_by_the_schema(name: str) -> None:
    body = data(sample(name))

    assert body["content"]["truncated"] == []
    assert body["raw"]["sha256"] == hashlib.sha256(sample(name)).hexdigest()


def test_a_body_has_the_same_bytes_each_time() -> None:
    assert rendered(ORDER) == rendered(ORDER)
    assert rendered(sample("japanese")).decode().count("会議室") > 0  # and no escapes


def test_a_body_says_whose_message_it_is() -> None:
    body = json.loads(rendered(ORDER))
    key = acceptance(inbound(ORDER)).key

    assert (body["type"], body["timestamp"]) == ("mail.received", "2026-11-26T09:14:07.512Z")
    assert body["data"]["version"] == 1
    assert body["data"]["key"] == body["data"]["email"]["id"] == key
    assert body["data"]["keepKeyUntil"] == "2027-01-02T09:14:07Z"
    assert (body["data"]["tenant"], body["data"]["application"]) == ("acme", "crm")
    assert (body["data"]["sequence"], body["data"]["replay"]) == (None, None)
    assert body["data"]["mailbox"] == {
        "id": "support",
        "address": "support@acme.example",
        "provider": MAILBOX.provider,
        "folder": None,
    }
    assert body["data"]["identity"]["name"] == "rfc5322:CAF3@mail.example.org"
    assert body["data"]["identity"]["normalisedMessageId"] == "CAF3@mail.example.org"
    assert body["data"]["source"]["id"] == "INBOX:1:7"


def test_the_mail_is_in_the_terms_of_jmap() -> None:
    email = data(ORDER)["email"]

    assert email["messageId"] == ["CAF3@Mail.Example.org"]
    assert email["inReplyTo"] == ["A2@acme.example"]
    assert email["references"] == ["A1@acme.example", "A2@acme.example"]
    assert email["from"] == [{"name": "Jo Field", "email": "jo@example.org"}]
    assert email["to"] == [{"name": None, "email": "Support+42@acme.example"}]
    assert (email["cc"], email["bcc"], email["replyTo"], email["sender"]) == (None,) * 4
    assert email["receivedAt"] == "2026-11-26T09:13:58Z"
    assert email["sentAt"] == "2026-11-26T10:13:55+01:00"
    assert (email["subject"], email["size"]) == ("Re: Order 1043", len(ORDER))
    assert email["preview"] == "Thank you, it has arrived."
    assert {"name": "Subject", "value": " Re: Order 1043"} in email["headers"]
    assert (email["hasAttachment"], email["attachments"], email["keywords"]) == (False, [], {})


def test_what_is_derived_from_the_mail_is_beside_it() -> None:
    trusted = TrustedServers(ids=frozenset({"mx.acme.example"}))

    body = data(ORDER, trusted=trusted)

    assert body["thread"] == {"root": "A1@acme.example", "parent": "A2@acme.example", "token": None}
    assert body["envelope"] == {"mailFrom": "bounce+7@example.org", "rcptTo": None, "tag": "42"}
    assert body["reply"] == {
        "text": "Thank you, it has arrived.",
        "quoted": "On Mon, 23 Nov 2026 Ann wrote:\n> Well?",
        "signature": None,
        "sure": True,
    }
    assert body["automated"] == {
        "kind": "none", "evidence": [], "loop": False, "list": None, "bounce": None,
    }  # fmt: skip
    assert body["authentication"] == {
        "authservId": "mx.acme.example",
        "verdict": "pass",
        "fromAligned": True,
        "spf": {"result": "pass", "domain": "example.org"},
        "dkim": [{"result": "pass", "domain": "example.org", "selector": "s1"}],
        "dmarc": {"result": "pass", "domain": "example.org", "policy": "reject"},
        "arc": None,
    }
    assert data(ORDER)["authentication"] is None


# --- Kinds of mail ---


def test_a_text_alone_has_no_html() -> None:
    content = data(sample("plain"))["content"]

    assert content["text"].startswith("Good morning,")
    assert (content["textFrom"], content["html"], content["originalHtml"]) == ("plain", None, None)


def test_html_alone_has_a_text_made_from_it() -> None:
    content = data(sample("html_only"))["content"]

    assert content["text"].startswith("Two headsets are on their way.")
    assert content["textFrom"] == "html"
    assert "<script>" not in content["html"]
    assert content["originalHtml"]["size"] == len(inbound(sample("html_only")).message.html)


def test_mail_that_says_nothing_has_an_empty_text() -> None:
    body = data(mail("Content-Type: image/png", body="x"))

    assert (body["content"]["text"], body["content"]["textFrom"]) == ("", "none")
    assert (body["email"]["preview"], body["reply"]) == ("", None)


def test_a_bounce_says_what_was_not_delivered() -> None:
    automated = data(sample("bounce"))["automated"]

    assert (automated["kind"], automated["evidence"]) == ("bounce", ["Content-Type"])
    assert automated["bounce"] == {
        "originalMessageId": "ticket-12-1@example.org",
        "final": True,
        "recipients": [
            {
                "address": "lee@example.net",
                "action": "failed",
                "status": "5.2.2",
                "diagnostic": "552 5.2.2 mailbox full",
            }
        ],
    }


def test_mail_of_a_list_says_how_to_leave_it() -> None:
    raw = mail("List-Id: Friends <f.example.org>", "List-Unsubscribe: <mailto:u@example.org>")

    automated = data(raw)["automated"]

    assert automated["kind"] == "list"
    assert automated["list"] == {"id": "f.example.org", "unsubscribe": ["mailto:u@example.org"]}


def test_mail_that_its_own_mailbox_has_sent_is_a_loop() -> None:
    assert data(mail("X-Loop: support@acme.example"))["automated"]["loop"]


def test_mail_without_ids_authors_and_date_has_null() -> None:
    body = data(b"X: y\r\n\r\ntext")

    fields = ("messageId", "inReplyTo", "references", "from", "sender", "to", "subject", "sentAt")
    assert [body["email"][name] for name in fields] == [None] * len(fields)
    assert body["identity"]["name"] == body["identity"]["name"] == "imap:INBOX:1:7"
    assert body["identity"]["normalisedMessageId"] is None
    assert body["thread"] == {"root": None, "parent": None, "token": None}
    assert body["defects"] == ["no-sender", "no-readable-date"]


def test_eight_bit_header_fields_are_utf_8() -> None:
    email = data(sample("eight_bit_headers"))["email"]

    assert email["subject"] == "Passwort zurücksetzen für Köln"
    assert email["from"][0]["name"] == "Jürgen Müller"
    assert any("\ufffd" in field["value"] for field in email["headers"])  # in raw form


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: a\x00b\r\n\r\nc\x00d",
        b"Subject: a\xed\xa0\x80b\r\n\r\nc\xed\xa0\x80d",
        b"Subject: =?utf-7?q?a+2AA-b?=\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nc+2AA-d",
        b"Subject: a\x01b\r\nContent-Type: text/html\r\n\r\n<p>c&#0;d&#xD800;</p>",
    ],
)
def test_no_parser_and_no_database_refuses_a_body(raw: bytes) -> None:
    hints = SourceHints(thread_id="a\x00", labels=("\udfff",), keywords=("\x00",))

    text = rendered(raw, hints=hints).decode()

    assert "\\u0000" not in text
    assert "\\ud" not in text
    source = data(raw, hints=hints)["source"]
    assert (source["threadId"], source["labels"]) == ("a\ufffd", ["\ufffd"])


# --- What is decided at the acceptance ---


def test_what_the_provider_says_is_a_hint() -> None:
    hints = SourceHints(
        id="inbox;UIDVALIDITY=1;UID=7",
        thread_id="conversation",
        labels=("a", "b"),
        folder="inbox",
        keywords=("$seen",),
    )

    body = data(ORDER, hints=hints)

    assert body["source"] == {
        "id": "inbox;UIDVALIDITY=1;UID=7",
        "threadId": "conversation",
        "threadIndex": None,
        "labels": ["a", "b"],
        "folder": "inbox",
    }
    assert body["mailbox"]["folder"] == "inbox"
    assert body["email"]["keywords"] == {"$seen": True}


def test_thread_index_is_in_the_header_of_some_mail() -> None:
    assert data(mail("Thread-Index: AdHb"))["source"]["threadIndex"] == "AdHb"


def test_a_replay_is_a_new_message_that_says_so() -> None:
    body = data(ORDER, changes={"sequence": 8, "replayed": Replayed("msg_a", 1)})

    assert (body["sequence"], body["replay"]) == (8, {"of": "msg_a", "number": 1})


# --- Files ---


def test_a_file_is_described_and_linked() -> None:
    body = data(sample("attachments"))
    files = inbound(sample("attachments")).message.attachments

    part = body["email"]["attachments"][0]
    assert part == {
        "partId": "2",
        "blobId": hashlib.sha256(files[0].content).hexdigest(),
        "size": len(files[0].content),
        "name": "Antrag für neue Mitarbeiter.pdf",
        "type": "application/pdf",
        "charset": None,
        "disposition": "attachment",
        "cid": None,
        "language": None,
        "location": None,
        "detectedType": "application/pdf",
        "withheld": None,
        "content": None,
        "url": f"https://postroom.acme.example/api/v1/handovers/{body['key']}/parts/2",
    }
    assert body["email"]["hasAttachment"]


def test_a_picture_that_the_html_shows_is_inline_and_no_attachment() -> None:
    email = data(sample("inline_image"))["email"]

    (part,) = email["attachments"]
    assert (part["disposition"], part["cid"]) == ("inline", "error.png@01DA")
    assert not email["hasAttachment"]


def test_a_file_that_no_html_shows_is_not_inline_whatever_its_sender_says() -> None:
    raw = multipart(
        "mixed",
        "\r\ntext",
        "Content-Type: application/pdf\r\nContent-Disposition: inline\r\n\r\nx",
        "Content-Type: text/csv\r\nContent-Disposition: attachment\r\n\r\ny",
    )

    email = data(raw)["email"]

    assert [part["disposition"] for part in email["attachments"]] == ["attachment", "attachment"]
    assert [part["name"] for part in email["attachments"]] == [None, None]
    assert [part["charset"] for part in email["attachments"]] == [None, "us-ascii"]
    assert email["hasAttachment"]


def test_a_small_file_is_in_the_body_if_the_application_wants_it() -> None:
    first, second, _ = inbound(sample("attachments")).message.attachments
    limit = max(len(first.content), len(second.content))

    body = data(sample("attachments"), options=replace(OPTIONS, inline_below=limit))

    contents = [part["content"] for part in body["email"]["attachments"]]
    small = min(first, second, key=lambda file: len(file.content))
    assert base64.b64encode(small.content).decode() in contents
    assert contents.count(None) == 1


def test_a_file_that_is_withheld_has_a_reason_and_no_link() -> None:
    changes = {"withheld": {"2": "policy"}}

    body = data(sample("attachments"), options=replace(OPTIONS, inline_below=9999), changes=changes)

    part = body["email"]["attachments"][0]
    assert (part["withheld"], part["url"], part["content"]) == ("policy", None, None)


# --- Thin bodies ---


def test_a_thin_body_has_links_alone() -> None:
    body = data(ORDER, options=replace(OPTIONS, thin=True, inline_below=9999))

    assert (body["content"]["text"], body["content"]["html"], body["reply"]) == ("", None, None)
    assert body["email"]["headers"] == []
    assert body["content"]["truncated"] == ["content.text", "reply", "email.headers"]
    assert body["content"]["textUrl"].endswith(f"/api/v1/handovers/{body['key']}/text")
    assert body["email"]["preview"].startswith("Thank you")
