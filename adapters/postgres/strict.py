"""Dataclasses that are read from JSON as they were written, or not at all."""

from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

Kind = TypeVar("Kind")


def strictly(kind: type[Kind]) -> TypeAdapter[Kind]:
    """Reads a *kind*, and refuses fields that it does not have, without quoting any."""
    # A config is taken for what holds a dataclass, not for a dataclass itself.
    either: Any = kind | None
    return TypeAdapter(either, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
