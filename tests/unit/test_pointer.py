"""Pointers: what may lie in the queue, and when two of them are one job."""

from dataclasses import fields, replace
from typing import Any

import pytest

from postroom.adapters.google.pointer import MAX_MESSAGE_IDS, GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.pointer import MAX_TEXT, InvalidPointer, Pointer, job_id

MICROSOFT = MicrosoftPointer("subscription-1", "message-1", "users/u/messages/message-1")
GOOGLE = GooglePointer(7, "info@acme.example", "pubsub-1")
IMAP = ImapPointer("INBOX", 7, 1, "a@x.test")


def changed(pointer: Pointer, **changes: Any) -> Pointer:  # noqa: ANN401 - any field, any value
    return replace(pointer, **changes)


@pytest.mark.parametrize("pointer", [MICROSOFT, GOOGLE, IMAP])
def test_a_pointer_has_fields_for_references_alone(pointer: Pointer) -> None:
    names = {field.name for field in fields(pointer)}

    assert names <= {
        "provider", "subscription_id", "message_id", "resource", "history_id", "address",
        "pubsub_message_id", "message_ids", "folder", "uid", "uid_validity",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        (MICROSOFT, "message_id"),
        (GOOGLE, "address"),
        (IMAP, "folder"),
    ],
)
def test_what_a_pointer_needs_may_not_be_empty(pointer: Pointer, field: str) -> None:
    with pytest.raises(InvalidPointer, match=f"^{field} is empty"):
        changed(pointer, **{field: ""})


@pytest.mark.parametrize("pointer", [MICROSOFT, GOOGLE, IMAP])
def test_every_text_of_a_pointer_is_bounded(pointer: Pointer) -> None:
    texts = [f.name for f in fields(pointer) if f.type is str]

    assert texts
    for name in texts:
        changed(pointer, **{name: "x" * MAX_TEXT})
        with pytest.raises(InvalidPointer, match=f"^{name} is longer than {MAX_TEXT} characters"):
            changed(pointer, **{name: "x" * (MAX_TEXT + 1)})


def test_a_pointer_holds_a_bounded_number_of_bounded_message_ids() -> None:
    GooglePointer(1, "a@x.test", message_ids=("x" * MAX_TEXT,) * MAX_MESSAGE_IDS)

    with pytest.raises(InvalidPointer, match="message_ids may hold 500 ids"):
        GooglePointer(1, "a@x.test", message_ids=("x",) * (MAX_MESSAGE_IDS + 1))
    with pytest.raises(InvalidPointer, match="message_ids is longer"):
        GooglePointer(1, "a@x.test", message_ids=("x", "x" * (MAX_TEXT + 1)))


@pytest.mark.parametrize("history_id", [0, -1])
def test_a_history_id_is_positive(history_id: int) -> None:
    with pytest.raises(InvalidPointer, match="history_id must be a positive number"):
        GooglePointer(history_id, "a@x.test")


@pytest.mark.parametrize("number", [0, -1, 2**32])
@pytest.mark.parametrize("field", ["uid", "uid_validity"])
def test_numbers_of_imap_have_32_bits_and_are_not_zero(field: str, number: int) -> None:
    changed(IMAP, **{field: 1})
    changed(IMAP, **{field: 2**32 - 1})

    with pytest.raises(InvalidPointer, match=f"^{field} must be between"):
        changed(IMAP, **{field: number})


def test_the_reason_says_which_field_and_never_what_was_in_it() -> None:
    with pytest.raises(InvalidPointer) as caught:
        ImapPointer("secret" * MAX_TEXT, 1, 1)

    assert "secret" not in str(caught.value)


def the_id(pointer: Pointer, tenant: str = "acme", mailbox: str = "support") -> str:
    return job_id(tenant, mailbox, pointer)


@pytest.mark.parametrize(
    ("pointer", "again"),
    [
        (MICROSOFT, replace(MICROSOFT, subscription_id="other", resource="")),
        (GOOGLE, replace(GOOGLE, pubsub_message_id="pubsub-2", address="INFO@acme.example")),
        (
            replace(GOOGLE, message_ids=("m1",)),
            replace(GOOGLE, message_ids=("m1",), history_id=8, pubsub_message_id=""),
        ),
        (IMAP, replace(IMAP, message_id="")),
    ],
)
def test_notices_of_one_thing_are_one_job(pointer: Pointer, again: Pointer) -> None:
    assert the_id(pointer) == the_id(again)


def test_different_things_are_different_jobs() -> None:
    pointers: list[Pointer] = [
        MICROSOFT,
        replace(MICROSOFT, message_id="message-2"),
        GOOGLE,
        replace(GOOGLE, history_id=8),
        replace(GOOGLE, message_ids=("7",)),
        replace(GOOGLE, message_ids=("7", "8")),
        replace(GOOGLE, message_ids=("message-1",)),
        IMAP,
        replace(IMAP, uid=8),
        replace(IMAP, uid_validity=2),
        replace(IMAP, folder="Archive"),
        replace(IMAP, uid=1, uid_validity=7),
    ]

    assert len({the_id(pointer) for pointer in pointers}) == len(pointers)


def test_mailboxes_and_tenants_have_jobs_of_their_own() -> None:
    ids = {
        the_id(IMAP),
        the_id(IMAP, tenant="globex"),
        the_id(IMAP, mailbox="sales"),
        the_id(IMAP, tenant="support", mailbox="acme"),
    }

    assert len(ids) == 4


def test_the_id_of_a_job_does_not_change_between_releases() -> None:
    """Jobs that wait in a queue through an update are still told from new ones."""
    assert [the_id(pointer) for pointer in (MICROSOFT, GOOGLE, IMAP)] == [
        "215b389e69118327ed400d032706c473",
        "a7b3cdb247373fd46dd403ac6cec185f",
        "d66fdec8a477c8036382c85effeab733",
    ]
