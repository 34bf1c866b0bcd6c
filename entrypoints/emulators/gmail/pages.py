"""Pages of a list, and the tokens that lead from one to the next.

A token stands for a place among the items, and is good for the list that it was given for.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

from postroom.entrypoints.emulators.gmail.wire import GoogleError

Item = TypeVar("Item")


class Pages:
    """*endless* are the methods (`history.list`, …) whose last page leads to the first again."""

    def __init__(self) -> None:
        self.endless: set[str] = set()
        self._places: dict[str, tuple[str, int | None]] = {}
        self._serial = itertools.count(1)

    def expire(self) -> None:
        """Forget every token that has been given."""
        self._places.clear()

    def cut(
        self,
        name: str,
        items: Sequence[Item],
        place: Callable[[Item], int],
        *,
        token: str,
        size: int,
    ) -> tuple[Sequence[Item], str]:
        """The page after *token*, and the token for the next one; *items* ascend by *place*.

        *name* begins with the method, and says which list it is. Raises GoogleError.
        """
        after = self._place(name, token) if token else None
        rest = [each for each in items if after is None or place(each) > after]
        page = rest[:size]
        if len(rest) > size:
            return page, self._token(name, place(page[-1]))
        if name.split(maxsplit=1)[0] in self.endless:
            return page, self._token(name, None)
        return page, ""

    def _place(self, name: str, token: str) -> int | None:
        of, place = self._places.get(token, ("", None))
        if of != name:
            raise GoogleError(400, "invalidArgument", "Invalid pageToken")
        return place

    def _token(self, name: str, place: int | None) -> str:
        token = f"{next(self._serial):020d}"
        self._places[token] = (name, place)
        return token
