"""Gmail's pointers: what may lie in the queue, and when two of them are one job."""

from dataclasses import fields, replace
from typing import Any

import pytest

from postroom.adapters.google.account import FOLDER
from postroom.adapters.google.pointer import MAX_MESSAGE_IDS, GooglePointer
from postroom.domain.pointer import MAX_TEXT, InvalidPointer, job_id

POINTER = GooglePointer(7, "info@acme.example", "pubsub-1")


def the_id(pointer: GooglePointer) -> str:
    return job_id("acme", "support", pointer)


def test_a_pointer_has_fields_for_references_alone() -> None:
    names = [field.name for field in fields(GooglePointer)]

    assert names == ["history_id", "address", "pubsub_message_id", "message_ids"]


def test_the_address_may_not_be_empty() -> None:
    with pytest.raises(InvalidPointer, match=r"^address is empty"):
        replace(POINTER, address="")


@pytest.mark.parametrize("field", ["address", "pubsub_message_id"])
def test_every_text_of_a_pointer_is_bounded(field: str) -> None:
    longest: dict[str, Any] = {field: "x" * MAX_TEXT}
    longer: dict[str, Any] = {field: "x" * (MAX_TEXT + 1)}

    replace(POINTER, **longest)
    with pytest.raises(InvalidPointer, match=rf"^{field} is longer than {MAX_TEXT} characters"):
        replace(POINTER, **longer)


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


def test_a_pointer_is_read_as_it_was_packed() -> None:
    pointer = replace(POINTER, message_ids=("m1", "m2"))

    assert GooglePointer.unpacked(pointer.packed()) == pointer
    assert GooglePointer.packed_types() == (int, str, str, tuple[str, ...])


@pytest.mark.parametrize(
    ("pointer", "again"),
    [
        (POINTER, replace(POINTER, pubsub_message_id="pubsub-2", address="INFO@acme.example")),
        (
            replace(POINTER, message_ids=("m1",)),
            replace(POINTER, message_ids=("m1",), history_id=8, pubsub_message_id=""),
        ),
    ],
)
def test_notifications_of_one_thing_are_one_job(
    pointer: GooglePointer, again: GooglePointer
) -> None:
    assert the_id(pointer) == the_id(again)


def test_different_things_are_different_jobs() -> None:
    pointers = [
        POINTER,
        replace(POINTER, history_id=8),
        replace(POINTER, message_ids=("7",)),
        replace(POINTER, message_ids=("7", "8")),
        replace(POINTER, message_ids=("message-1",)),
    ]

    assert len({the_id(pointer) for pointer in pointers}) == len(pointers)


def test_the_id_of_a_job_does_not_change_between_releases() -> None:
    """Outcomes are looked up by it, and jobs that wait through an update are told from new ones."""
    message_ids = ((), ("7",), ("7", "8"))

    assert [the_id(replace(POINTER, message_ids=each)) for each in message_ids] == [
        "a7b3cdb247373fd46dd403ac6cec185f",
        "6cc8cea9fc59e057f34c7ea7b3d2966d",
        "0dc3cbb545e257ce5ae61ff87b8b0ac5",
    ]


@pytest.mark.parametrize(
    ("message_ids", "folder"), [((), FOLDER), (("m1",), None), (("m1", "m2"), FOLDER)]
)
def test_only_a_pointer_to_one_message_does_not_announce_a_change(
    message_ids: tuple[str, ...], folder: str | None
) -> None:
    assert replace(POINTER, message_ids=message_ids).changed_folder == folder


@pytest.mark.parametrize(
    ("position", "is_reached"), [("", False), ("6", False), ("7", True), ("10", True)]
)
def test_a_change_is_reached_by_the_number_of_its_history_id(
    position: str, *, is_reached: bool
) -> None:
    assert POINTER.is_reached_by(position) is is_reached
