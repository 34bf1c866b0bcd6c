"""Looks up the labels that a mailbox receives: they may be renamed, and removed, at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postroom.adapters.google.account import google_account
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.labels import INBOX, InboundRule, Label, LabelChoice
from postroom.adapters.google.responses import LabelList, ListedLabel
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class FoundLabels:
    """*choice* as it is in the mailbox by now: labels without an id are not there.

    *names* are those of the labels that are there, as far as that was looked.
    """

    choice: LabelChoice
    names: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether a label is not there that is received. Nobody misses one that is left out."""
        return not all(label.id for label in self.choice.received)

    @property
    def is_complete(self) -> bool:
        return all(label.id for label in (*self.choice.received, *self.choice.left_out))

    @property
    def rule(self) -> InboundRule:
        choice = self.choice
        return InboundRule(_ids(choice.received), _ids(choice.left_out), not choice.received)


@dataclass(frozen=True, slots=True)
class LabelLookup:
    gmail: GmailClient

    async def __call__(self, mailbox: Mailbox) -> FoundLabels:
        """Raises AccessFailed, Throttled, Unavailable."""
        choice = google_account(mailbox).labels
        chosen = (*choice.received, *choice.left_out)
        if all(label.id == INBOX for label in chosen):  # which nobody can remove
            return FoundLabels(choice)
        there = (await self.gmail.get(mailbox, "labels", LabelList)).labels
        received = tuple(_found(label, there) for label in choice.received)
        left_out = tuple(_found(label, there) for label in choice.left_out)
        names = tuple(label.name for label in there)
        return FoundLabels(LabelChoice(received, left_out), names)


def _found(label: Label, there: Sequence[ListedLabel]) -> Label:
    """As it is now: by its id, or else by its name, as where it was removed and made again."""
    by_name = (each for each in there if each.name.casefold() == label.name.casefold())
    by_id = (each for each in there if each.id == label.id)
    found = next(by_id, None) or next(by_name, None)
    return Label(found.name, found.id) if found else replace(label, id="")


def _ids(labels: Sequence[Label]) -> frozenset[str]:
    return frozenset(label.id for label in labels if label.id)
