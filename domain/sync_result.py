"""What a sync of a folder found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """Messages that were *listed*, and how many of them were new, and so *queued*.

    Of the new ones *announced* were, by a notification, *missed* should have been by then, and of
    *undated* that cannot be said yet, since their provider lists no dates: they go up to number
    *undated_to*, if it numbers them. *too_old* were skipped as such.

    Unless the sync is *complete*, there is more to list. It *lags* if it has not come as far as a
    notification had announced. If the list is *behind*, it was no list: see `ListBehind`.
    """

    listed: int = 0
    queued: int = 0
    announced: int = 0
    missed: int = 0
    undated: int = 0
    undated_to: int = 0
    too_old: int = 0
    complete: bool = False
    lags: bool = False
    behind: bool = False

    def __add__(self, later: "SyncResult") -> "SyncResult":
        """Both, of which *later* was the end."""
        return SyncResult(
            listed=self.listed + later.listed,
            queued=self.queued + later.queued,
            announced=self.announced + later.announced,
            missed=self.missed + later.missed,
            undated=self.undated + later.undated,
            undated_to=max(self.undated_to, later.undated_to),
            too_old=self.too_old + later.too_old,
            complete=later.complete,
            lags=later.lags,
            behind=later.behind,
        )
