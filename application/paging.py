"""Cuts a list that was read as a whole into pages."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")


def pages(found: Sequence[ItemT], size: int) -> Iterator[tuple[Sequence[ItemT], bool]]:
    """*found* by *size* items: one page at least, and of each whether it is the last."""
    for start in range(0, max(len(found), 1), size):
        yield found[start : start + size], start + size >= len(found)
