"""Pointers to messages at Graph: what they may hold, and how they lie in the queue."""

import json
from dataclasses import fields, replace
from types import GenericAlias
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter

from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.pointer import MAX_TEXT, InvalidPointer, job_id

POINTER = MicrosoftPointer("subscription-1", "message-1", "users/u/messages/message-1")


def test_a_pointer_has_fields_for_references_alone() -> None:
    assert [each.name for each in fields(POINTER)] == ["subscription_id", "message_id", "resource"]


def test_a_pointer_needs_a_message() -> None:
    with pytest.raises(InvalidPointer, match=r"^message_id is empty"):
        MicrosoftPointer("subscription-1", "")


@pytest.mark.parametrize("name", ["subscription_id", "message_id", "resource"])
def test_every_text_of_a_pointer_is_bounded_and_not_repeated(name: str) -> None:
    replace(POINTER, **{name: "x" * MAX_TEXT})

    with pytest.raises(InvalidPointer) as raised:
        replace(POINTER, **{name: "secret" * MAX_TEXT})

    assert str(raised.value) == f"{name} is longer than {MAX_TEXT} characters"


def test_notifications_of_one_message_are_one_job() -> None:
    again = replace(POINTER, subscription_id="other", resource="")
    other = replace(POINTER, message_id="message-2")

    assert the_id(again) == the_id(POINTER) != the_id(other)
    assert POINTER.changed_folder is None


def test_the_id_of_a_job_does_not_change_between_releases() -> None:
    """Jobs that wait in a queue through an update are still told from new ones."""
    assert the_id(POINTER) == "215b389e69118327ed400d032706c473"


def the_id(pointer: MicrosoftPointer) -> str:
    return job_id("acme", "support", pointer)


@pytest.mark.parametrize(
    ("pointer", "packed"),
    [
        (POINTER, ("subscription-1", "message-1", ("users/u/messages/",))),
        (MicrosoftPointer("s", "m", "m"), ("s", "m", ("",))),
        (MicrosoftPointer("s", "m", "users/u/messages('m')"), ("s", "m", "users/u/messages('m')")),
        (MicrosoftPointer("", "m"), ("", "m", "")),
    ],
)
def test_a_resource_that_ends_with_the_message_id_is_packed_without_it(
    pointer: MicrosoftPointer, packed: tuple[object, ...]
) -> None:
    assert pointer.packed() == packed
    assert MicrosoftPointer.unpacked(read(json.dumps(packed))) == pointer


@pytest.mark.parametrize(
    "text", ["[]", '["s", "m"]', '["s", 7, ""]', '["s", "m", []]', '["s", "m", ["a", "b"]]']
)
def test_what_was_never_packed_is_not_of_the_packed_types(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read(text)


def test_what_is_unpacked_is_bounded_as_well() -> None:
    with pytest.raises(InvalidPointer, match=r"^resource is longer"):
        MicrosoftPointer.unpacked(("s", "m", ("x" * MAX_TEXT,)))


def read(text: str) -> tuple[object, ...]:
    """The values in *text*, of the packed types: as strictly as the queue reads them."""
    packed: Any = GenericAlias(tuple, MicrosoftPointer.packed_types())
    adapter: TypeAdapter[tuple[object, ...]] = TypeAdapter(packed, config=ConfigDict(strict=True))
    return adapter.validate_json(text)
