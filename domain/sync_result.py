"""What a sync of a folder found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """Messages that were *listed*, and how many of them were new, and so *queued*.

    Of the new ones *missed* should have been announced by a notification by then, and of *undated*
    that cannot be said, since their provider lists no dates. *too_old* were skipped as such.
    Unless the sync is *complete*, there is more to list.
    """

    listed: int = 0
    queued: int = 0
    missed: int = 0
    undated: int = 0
    too_old: int = 0
    complete: bool = False

    def __add__(self, later: "SyncResult") -> "SyncResult":
        """Both, of which *later* was the end."""
        return SyncResult(
            listed=self.listed + later.listed,
            queued=self.queued + later.queued,
            missed=self.missed + later.missed,
            undated=self.undated + later.undated,
            too_old=self.too_old + later.too_old,
            complete=later.complete,
        )
