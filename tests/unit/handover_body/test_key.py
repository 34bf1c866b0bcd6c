"""The name of a handover."""

import re

import pytest

from postroom.domain.handover.key import handover_key
from postroom.domain.identity import MessageIdentity
from tests.unit.handover_body.rig import MAILBOX, inbound

IDENTITY = MessageIdentity(
    name="rfc5322:CAF3@mail.example.org",
    source="microsoft:AAMkAGI2",
    digest="73300871f44c168e7c949de2c750e60c2c9bb8ff530017c5a267234e9cb4db8e",
)


def test_the_key_of_a_message_is_known_for_ever() -> None:
    key = handover_key("acme", "support", IDENTITY)

    assert key == "msg_ic4uclgu7j3ru5k5hkyx6us2sty4fy63"
    assert re.fullmatch("[a-z2-7_]{36}", key)


def test_another_copy_of_a_message_has_the_same_key() -> None:
    copy = MessageIdentity(IDENTITY.name, "imap:INBOX:1:7", IDENTITY.digest)

    assert handover_key("acme", "support", copy) == handover_key("acme", "support", IDENTITY)


@pytest.mark.parametrize(
    ("tenant", "mailbox", "name"),
    [
        ("acm", "esupport", IDENTITY.name),
        ("acme", "sales", IDENTITY.name),
        ("acme", "support", "rfc5322:other@mail.example.org"),
    ],
)
def test_what_is_another_message_or_mailbox_has_another_key(
    tenant: str, mailbox: str, name: str
) -> None:
    other = MessageIdentity(name, IDENTITY.source, IDENTITY.digest)

    assert handover_key(tenant, mailbox, other) != handover_key("acme", "support", IDENTITY)


def test_two_messages_under_one_message_id_have_two_keys() -> None:
    one, other = (inbound(b"Message-ID: <a@x>\r\n\r\n" + text) for text in (b"one", b"two"))

    assert one.identity.name == other.identity.name
    keys = {handover_key(MAILBOX.tenant, MAILBOX.id, each.identity) for each in (one, other)}
    assert len(keys) == 2


def test_a_message_that_its_provider_builds_anew_has_the_same_key() -> None:
    raw = b"Message-ID: <a@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nb25l"

    one, other = inbound(raw), inbound(b"X-Trace: 2\r\nMessage-ID: <a@x>\r\n\r\none")

    assert handover_key("acme", "support", one.identity) == handover_key(
        "acme", "support", other.identity
    )
