"""Which dead letters a command is about: its options, and the filter that they make."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from postroom.domain.dead_letter import DeadLetterFilter

_AGE = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?")


def age(text: str) -> timedelta:
    """`2d`, `3h`, `15m`, `30s`, or several of them in this order: `1d12h`."""
    match = _AGE.fullmatch(text.strip())
    if not match or not match.group():
        raise typer.BadParameter(f"{text!r} is no age; write one as 15m, 3h, 2d or 1d12h")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


OfMailbox = Annotated[str, typer.Option(help="Only of this mailbox.")]
OfProvider = Annotated[str, typer.Option(help="Only of this provider.")]
WithReason = Annotated[str, typer.Option(help="Only with this text in the reason, in any case.")]
OlderThan = Annotated[
    timedelta | None,
    typer.Option(parser=age, metavar="AGE", help="Only what died longer ago: 15m, 3h, 2d."),
]
NewerThan = Annotated[
    timedelta | None,
    typer.Option(parser=age, metavar="AGE", help="Only what died since then: 15m, 3h, 2d."),
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options, as they were given."""

    tenant: str
    mailbox: str
    provider: str
    reason: str
    older_than: timedelta | None
    newer_than: timedelta | None
    held: bool = False

    def as_of(self, now: datetime, providers: Collection[str]) -> DeadLetterFilter:
        """The filter, with ages counted back from *now*.

        Raises BadParameter if its provider is none of *providers*.
        """
        if self.provider and self.provider not in providers:
            one_of = ", ".join(sorted(providers))
            raise typer.BadParameter(
                f"{self.provider!r} is none of: {one_of}", param_hint="--provider"
            )
        return DeadLetterFilter(
            tenant=self.tenant,
            mailbox=self.mailbox,
            provider=self.provider,
            reason=self.reason,
            died_before=None if self.older_than is None else now - self.older_than,
            died_after=None if self.newer_than is None else now - self.newer_than,
            held=self.held,
        )

    def __bool__(self) -> bool:
        """Whether any was given."""
        texts = any((self.tenant, self.mailbox, self.provider, self.reason))
        return texts or self.older_than is not None or self.newer_than is not None
