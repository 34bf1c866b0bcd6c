"""Where the lists of a folder have been since one was complete: whether they get anywhere.

A provider that leads in a circle, or lists the same for ever, would be followed for ever: each page
is an answer, and each run goes on where the last one ended.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from postroom.application.ports import NoProgress

MAX_BARREN = 200
"""Pages without a message that was not on one before. (A row of them may be of deletions alone.)
"""

MAX_FOLDERS = 1000
"""Whose trails are remembered. One that is forgotten begins anew."""

MAX_IDS = 10_000
"""That are remembered of a trail: then those of the pages before are forgotten."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class Trail:
    _at: str = ""
    _positions: set[int] = field(default_factory=set)
    _ids: set[str] = field(default_factory=set)
    _barren: int = 0

    def follow(self, ids: Collection[str], position: str = "") -> None:
        """A page has listed *ids*, and leads to *position* if it is given. Raises NoProgress."""
        if position not in ("", self._at):
            if hash(position) in self._positions:
                raise NoProgress("the provider's list leads in a circle")
            self._positions.add(hash(position))
            self._at = position
        self._barren = self._barren + 1 if self._ids.issuperset(ids) else 0
        if self._barren >= MAX_BARREN:
            raise NoProgress(f"the provider's list has had nothing new for {MAX_BARREN} pages")
        if len(self._ids) > MAX_IDS:
            self._ids.clear()
        self._ids.update(ids)


@dataclass(slots=True)
class Trails:
    """Of this process. They go on from run to run, since a run is short."""

    _trails: dict[Key, Trail] = field(default_factory=dict, init=False, repr=False)

    def of(self, key: Key) -> Trail:
        trail = self._trails.pop(key, None) or Trail()
        self._trails[key] = trail
        if len(self._trails) > MAX_FOLDERS:
            del self._trails[next(iter(self._trails))]
        return trail

    def end(self, key: Key) -> None:
        """The list is complete, or is begun anew."""
        self._trails.pop(key, None)
