"""IMAP's pointers: what may lie in the queue, and when two of them are one job."""

from dataclasses import fields, replace
from typing import Any

import pytest

from postroom.adapters.imap.pointer import ImapPointer
from postroom.domain.pointer import MAX_TEXT, InvalidPointer, job_id

POINTER = ImapPointer("INBOX", 7, 1, "a@x.test")


def changed(**changes: Any) -> ImapPointer:  # noqa: ANN401 - any field, any value
    return replace(POINTER, **changes)


def the_id(pointer: ImapPointer, tenant: str = "acme", mailbox: str = "support") -> str:
    return job_id(tenant, mailbox, pointer)


def test_a_pointer_has_fields_for_references_alone() -> None:
    names = [field.name for field in fields(ImapPointer)]

    assert names == ["folder", "uid", "uid_validity", "message_id"]


def test_the_folder_may_not_be_empty() -> None:
    with pytest.raises(InvalidPointer, match=r"^folder is empty"):
        changed(folder="")


@pytest.mark.parametrize("field", ["folder", "message_id"])
def test_every_text_of_a_pointer_is_bounded(field: str) -> None:
    changed(**{field: "x" * MAX_TEXT})
    with pytest.raises(InvalidPointer, match=rf"^{field} is longer than {MAX_TEXT} characters"):
        changed(**{field: "x" * (MAX_TEXT + 1)})


@pytest.mark.parametrize("number", [0, -1, 2**32])
@pytest.mark.parametrize("field", ["uid", "uid_validity"])
def test_numbers_of_imap_have_32_bits_and_are_not_zero(field: str, number: int) -> None:
    changed(**{field: 1})
    changed(**{field: 2**32 - 1})

    with pytest.raises(InvalidPointer, match=rf"^{field} must be between"):
        changed(**{field: number})


def test_the_reason_says_which_field_and_never_what_was_in_it() -> None:
    with pytest.raises(InvalidPointer) as caught:
        ImapPointer("secret" * MAX_TEXT, 1, 1)

    assert "secret" not in str(caught.value)


def test_a_pointer_is_read_as_it_was_packed() -> None:
    assert ImapPointer.unpacked(POINTER.packed()) == POINTER
    assert ImapPointer.packed_types() == (str, int, int, str)


def test_a_pointer_is_at_one_message_and_announces_no_change() -> None:
    assert POINTER.changed_folder is None


def test_notifications_of_one_thing_are_one_job() -> None:
    assert the_id(POINTER) == the_id(changed(message_id=""))


def test_different_things_are_different_jobs() -> None:
    pointers = [
        POINTER,
        changed(uid=8),
        changed(uid_validity=2),
        changed(folder="Archive"),
        changed(uid=1, uid_validity=7),
    ]

    assert len({the_id(pointer) for pointer in pointers}) == len(pointers)


def test_mailboxes_and_tenants_have_jobs_of_their_own() -> None:
    ids = {
        the_id(POINTER),
        the_id(POINTER, tenant="globex"),
        the_id(POINTER, mailbox="sales"),
        the_id(POINTER, tenant="support", mailbox="acme"),
    }

    assert len(ids) == 4


def test_the_id_of_a_job_does_not_change_between_releases() -> None:
    """Outcomes are looked up by it, and jobs that wait through an update are told from new ones."""
    assert the_id(POINTER) == "d66fdec8a477c8036382c85effeab733"
