"""What we have of the mail that comes in shadow, beside a list of another system's.

It is of two kinds. A handover has a row, which becomes `waiting` or `duplicate` at its release. A
message of the built-in help desk, which has no call to be made later, was skipped with its pointer:
that is queued again, and the ledger goes by the same rule (domain/takeover.py).
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.application.ports import (
    BEGINNING,
    MailboxRegistry,
    OutcomeRecord,
    Outcomes,
    ShadowRows,
)
from postroom.domain.handover.comparison import Theirs
from postroom.domain.handover.shadow import ShadowRow
from postroom.domain.mailbox import Mailbox


class AmbiguousAddress(Exception):
    """Two tenants have a mailbox of one address; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Served:
    """Those of our mailboxes that a list may be about, by address in lower case."""

    mailboxes: Mapping[str, Mailbox]

    @classmethod
    async def of(
        cls, registry: MailboxRegistry, *, tenant: str = "", only: Sequence[str] = ()
    ) -> "Served":
        """All, or those of *tenant*, or with the ids *only*. Raises AmbiguousAddress."""
        found: dict[str, Mailbox] = {}
        for mailbox in await registry.all(tenant=tenant):
            if only and mailbox.id not in only:
                continue
            address = mailbox.address.lower()
            if address in found:
                raise AmbiguousAddress(
                    f"{found[address].tenant} and {mailbox.tenant} have a mailbox of one address:"
                    " name the tenant"
                )
            found[address] = mailbox
        return cls(found)


def by_mailbox(theirs: Iterable[Theirs]) -> Mapping[str, Sequence[Theirs]]:
    """By address."""
    found: defaultdict[str, list[Theirs]] = defaultdict(list)
    for each in theirs:
        found[each.mailbox].append(each)
    return found


@dataclass(frozen=True, slots=True)
class InShadow:
    """What we have of a mailbox, read page by page."""

    rows: ShadowRows
    outcomes: Outcomes

    async def handovers(self, mailbox: Mailbox, since: datetime) -> Sequence[ShadowRow]:
        """As `ShadowRows.page` has them."""
        found: list[ShadowRow] = []
        place, of = BEGINNING, (mailbox.tenant, mailbox.id)
        while page := await self.rows.page(*of, since=since, after=place):
            found += page
            place = page[-1].key, page[-1].application
        return found

    async def skipped(
        self, mailbox: Mailbox, since: datetime
    ) -> AsyncIterator[Sequence[OutcomeRecord]]:
        """Each page of what has no row."""
        last, of = "", (mailbox.tenant, mailbox.id)
        while page := await self.outcomes.in_shadow(*of, since, after=last):
            yield page
            last = page[-1].job.id
