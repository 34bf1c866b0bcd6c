"""Mail that programs write, and how it is known."""

import pytest

from postroom.domain.mail.automated import Automated, AutomatedKind, automated_of
from postroom.domain.mail.bounce import Bounce, BouncedRecipient
from postroom.domain.mail.mailing_list import MailingList
from postroom.domain.mail.reader import read_message
from tests.mail import message, multipart
from tests.samples import sample

OWN = "help@example.org"


def judged(*lines: str, body: str = "text") -> Automated:
    return automated_of(message(*lines, body=body), OWN)


def of_sample(name: str) -> Automated:
    return automated_of(read_message(sample(name)), OWN)


@pytest.mark.parametrize("name", ["plain", "reply", "forwarded", "invitation", "japanese"])
def test_what_a_person_writes_is_not_automated(name: str) -> None:
    assert of_sample(name) == Automated(
        kind=AutomatedKind.NONE, evidence=(), is_loop=False, mailing_list=None, bounce=None
    )


@pytest.mark.parametrize(
    ("lines", "kind", "evidence"),
    [
        (["Auto-Submitted: no"], "none", ()),
        (["Auto-Submitted: auto-replied"], "auto-replied", ("Auto-Submitted",)),
        (["Auto-Submitted: Auto-Generated; x=y"], "auto-generated", ("Auto-Submitted",)),
        (["auto-submitted: auto-notified"], "auto-notified", ("Auto-Submitted",)),
        (["Auto-Submitted: something-new"], "auto-generated", ("Auto-Submitted",)),
        (["Auto-Submitted: auto-replied (vacation)"], "vacation", ("Auto-Submitted",)),
        (
            ["Auto-Submitted: auto-generated", "Subject: Automatic reply: Hello"],
            "vacation",
            ("Auto-Submitted", "Subject"),
        ),
        (
            ["X-Auto-Response-Suppress: All", "Subject: Abwesenheitsnotiz"],
            "vacation",
            ("X-Auto-Response-Suppress", "Subject"),
        ),
        (["Subject: Out of office tomorrow"], "none", ()),
        (["X-Autoreply: yes"], "auto-replied", ("X-Autoreply",)),
        (["Precedence: auto_reply"], "auto-replied", ("Precedence",)),
        (["Precedence: bulk"], "auto-generated", ("Precedence",)),
        (["Return-Path: <>"], "auto-generated", ("Return-Path",)),
        (["List-Id: <l.example.org>", "Precedence: bulk"], "list", ("List-Id",)),
        (["List-Id: <l.example.org>", "Auto-Submitted: auto-generated"], "auto-generated", None),
        (["X-Boxtrapper: 1", "Precedence: auto_reply"], "challenge", None),
        (["X-Boxtrapper: 1"], "none", ()),
        (["X-ChoiceMail-Registration-Request: 1"], "challenge", None),
        (["Message-ID: <1.2-tmda-confirm@x>"], "challenge", ("Message-ID",)),
    ],
)
def test_a_program_says_so_in_its_header(
    lines: list[str], kind: str, evidence: tuple[str, ...] | None
) -> None:
    found = judged(*lines)

    assert found.kind == kind
    assert found.evidence == evidence or evidence is None


def test_an_out_of_office_reply_is_a_vacation() -> None:
    found = of_sample("out_of_office")

    assert found.kind is AutomatedKind.VACATION
    assert found.evidence == ("Auto-Submitted", "X-Auto-Response-Suppress", "Subject")


@pytest.mark.parametrize(
    ("report", "kind"),
    [("disposition-notification", "read-receipt"), ("feedback-report", "complaint")],
)
def test_a_report_is_what_its_type_says(report: str, kind: str) -> None:
    part = f"Content-Type: message/{report}\r\n\r\nUser-Agent: x"

    by_part = automated_of(read_message(multipart("report", "\r\nhuman", part)), OWN)
    by_type = judged(f"Content-Type: multipart/report; report-type={report}; boundary=x")

    assert by_part.kind == by_type.kind == kind
    assert by_part.evidence == ("Content-Type",)


def test_mail_that_passes_a_bounce_on_is_a_persons() -> None:
    raw = multipart(
        "mixed",
        "\r\nWhat is this?",
        "Content-Type: message/rfc822\r\n\r\n" + sample("bounce").decode(),
        head=("From: Jo <jo@example.org>", "Subject: Fwd: Undelivered Mail Returned to Sender"),
    )

    assert automated_of(read_message(raw), OWN).kind is AutomatedKind.NONE


# --- Loops and lists ---


@pytest.mark.parametrize(
    ("value", "is_loop"), [("help@example.org", True), ("HELP@EXAMPLE.ORG", True), ("x@y", False)]
)
def test_own_mail_that_comes_back_is_a_loop(*, value: str, is_loop: bool) -> None:
    assert judged(f"X-Loop: {value}").is_loop is is_loop


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["List-Id: Friends <friends.example.org>"], MailingList("friends.example.org", ())),
        (["List-Id: friends.example.org"], MailingList("friends.example.org", ())),
        (
            ["List-Unsubscribe: <https://x.test/u?a=1>,\r\n <mailto:u@x.test>, <javascript:x>"],
            MailingList(None, ("https://x.test/u?a=1", "mailto:u@x.test")),
        ),
        (["Precedence: list"], None),
    ],
)
def test_a_list_has_an_id_and_a_way_out(lines: list[str], expected: MailingList | None) -> None:
    assert judged(*lines).mailing_list == expected
    assert judged(*lines).kind is AutomatedKind.LIST


# --- Bounces ---


def test_a_bounce_says_who_was_not_reached_and_why() -> None:
    found = of_sample("bounce")

    assert (found.kind, found.evidence) == (AutomatedKind.BOUNCE, ("Content-Type",))
    assert found.bounce == Bounce(
        original_message_id="ticket-12-1@example.org",
        is_final=True,
        recipients=(
            BouncedRecipient("lee@example.net", "failed", "5.2.2", "552 5.2.2 mailbox full"),
        ),
    )


def report(*groups: str) -> Bounce:
    status = "Content-Type: message/delivery-status\r\n\r\n" + "\r\n\r\n".join(groups)
    found = automated_of(read_message(multipart("report", "\r\nhuman", status)), OWN).bounce
    assert found
    return found


def test_whom_the_sender_had_named_goes_before_whom_it_was_passed_on_to() -> None:
    bounce = report(
        "Reporting-MTA: dns; mx.test",
        "Original-Recipient: rfc822; a+2Bb@x.test\r\nFinal-Recipient: rfc822; <c@y.test>\r\n"
        "Action: Failed (for good)\r\nStatus: 5.1.1 (no such user)",
        "Final-Recipient: rfc822; d@y.test\r\nAction: failed",
        "Original-Recipient: <e@y.test>\r\nAction: failed",
    )

    assert bounce.recipients == (
        BouncedRecipient("a+b@x.test", "failed", "5.1.1", None),
        BouncedRecipient("d@y.test", "failed", None, None),
        BouncedRecipient("e@y.test", "failed", None, None),
    )


@pytest.mark.parametrize(
    ("action", "is_final"), [("failed", True), ("delayed", False), ("relayed", False)]
)
def test_only_what_has_failed_is_final(*, action: str, is_final: bool) -> None:
    assert report(f"Final-Recipient: x; a@x\r\nAction: {action}").is_final is is_final


def test_an_empty_report_is_a_bounce_of_nobody() -> None:
    assert report("") == Bounce(None, is_final=True, recipients=())


def test_a_report_without_end_is_read_in_part() -> None:
    bounce = report(*["Final-Recipient: x; a@x"] * 5_000)

    assert (len(bounce.recipients), bounce.has_more) == (100, True)


@pytest.mark.parametrize(
    ("lines", "body", "recipient"),
    [
        (
            ["X-Failed-Recipients: lee@example.net"],
            "550 5.1.1 unknown",
            BouncedRecipient("lee@example.net", None, "5.1.1", None),
        ),
        (
            ["From: MAILER-DAEMON@mx.test", "Subject: failure notice"],
            "Hi. This is the qmail-send program.\n\n<lee@example.net>:\nNo such user. (#5.1.1)",
            BouncedRecipient("lee@example.net", None, "5.1.1", None),
        ),
    ],
)
def test_servers_that_know_no_report_are_understood(
    lines: list[str], body: str, recipient: BouncedRecipient
) -> None:
    returned = "\n\n--- Below this line is a copy.\n\nFrom: help@example.org\nMessage-ID: <o@X>\n"

    found = judged(*lines, body=body + returned)

    assert found.kind is AutomatedKind.BOUNCE
    assert found.bounce == Bounce("o@x", is_final=True, recipients=(recipient,))


def test_a_warning_is_not_final() -> None:
    found = judged("From: postmaster@mx.test", "Subject: Delivery Status Notification (Delay)")

    assert found.bounce == Bounce(None, is_final=False, recipients=())


def test_a_postmaster_who_writes_is_a_person() -> None:
    found = judged("From: postmaster@mx.test", "Subject: Your question of Monday")

    assert found.kind is AutomatedKind.NONE
