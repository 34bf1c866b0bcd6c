"""Which mail of a Gmail mailbox is inbound: that has labels in place of folders.

Rule 1: What gains a label that is received is mail: as it comes in, by a filter, by a person who
takes it out of the spam or the trash. If it has an outcome already, it is not handled again; how
old it may be, domain/inbound_age.py says.
Rule 2: Drafts, chats, spam and trash never are, whatever other labels they have.
Rule 3: Sent mail never is, but for what Gmail put into the inbox as it was sent: that is to
oneself. A person who moves a conversation to the inbox moves what was sent in it as well.

Ids: https://developers.google.com/workspace/gmail/api/guides/labels. Those of a user's labels stay
as they are when the label is renamed; the others are their names.
"""

from collections.abc import Collection
from dataclasses import dataclass

INBOX, SENT = "INBOX", "SENT"

NEVER = frozenset({"DRAFT", "CHAT", "SPAM", "TRASH"})

SYSTEM = NEVER | {INBOX, SENT}
"""Labels of the system that a mailbox always has, under ids that are their names."""


@dataclass(frozen=True, slots=True)
class Label:
    """*id* is empty as long as nobody has looked it up."""

    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """Mail with one of the labels *received* (none: all mail), and with none of *left_out*."""

    received: tuple[Label, ...] = (Label(INBOX, INBOX),)
    left_out: tuple[Label, ...] = ()

    def __str__(self) -> str:
        received = _listed(self.received) or "all mail"
        return f"{received} but {_listed(self.left_out)}" if self.left_out else received


INBOX_ALONE = LabelChoice()
ALL_MAIL = LabelChoice(received=())


@dataclass(frozen=True, slots=True)
class InboundRule:
    """The rules above, by the ids of labels; *is_all_mail* is for a choice that names none."""

    received: frozenset[str]
    left_out: frozenset[str]
    is_all_mail: bool = False

    def came_in(self, labels: Collection[str]) -> bool:
        """Whether a message is inbound that has come in with *labels*."""
        return self._counts(labels) and (SENT not in labels or INBOX in labels)

    def moved_in(self, labels: Collection[str]) -> bool:
        """Whether one is that has *labels* since some were added, or removed."""
        return self._counts(labels) and SENT not in labels

    def opens(self, added: Collection[str]) -> bool:
        """Whether a message may be inbound since these labels were added."""
        return not ({INBOX} if self.is_all_mail else self.received).isdisjoint(added)

    def bars(self, labels: Collection[str]) -> bool:
        """Whether no message with *labels* is inbound: one may be since they were removed."""
        return not (NEVER | self.left_out).isdisjoint(labels)

    def _counts(self, labels: Collection[str]) -> bool:
        is_received = self.is_all_mail or not self.received.isdisjoint(labels)
        return is_received and not self.bars(labels)


def _listed(labels: Collection[Label]) -> str:
    return ", ".join(label.name for label in labels)
