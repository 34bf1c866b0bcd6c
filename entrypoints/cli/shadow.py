"""Commands for the change from another system: shadow report, shadow release."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from postroom.application.release_shadow import Released
from postroom.application.shadow import AmbiguousAddress, Served
from postroom.domain.handover.comparison import Comparison, Theirs
from postroom.domain.handover.shadow import SHADOW_LASTS
from postroom.entrypoints.cli.context import with_core
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.handled_file import read_handled
from postroom.entrypoints.cli.lines import moment, summary
from postroom.entrypoints.cli.output import AnyTenant, AsJson
from postroom.entrypoints.cli.progress import progress
from postroom.entrypoints.cli.shadow_output import print_comparison, print_released
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings

shadow = typer.Typer(
    no_args_is_help=True, help="Compare with the system that handles the mail now; change over."
)

SETTLED = timedelta(minutes=5)
"""What is younger may not have come to us yet."""


TOO_LONG_AGO = f"what came in shadow is deleted after {SHADOW_LASTS.days} days"


def when(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time with its zone, such as 2026-11-26T09:14:07Z"
        ) from None


Handled = Annotated[
    Path,
    typer.Option(
        "--handled",
        metavar="FILE",
        help="What the other system has handled: CSV or JSON lines with message_id, mailbox"
        " (the address), handled_at, and result (handled, skipped, failed).",
    ),
]
Mailboxes = Annotated[
    list[str] | None, typer.Option("--mailbox", help="Only this one. May be repeated.")
]
Since = Annotated[
    datetime | None,
    typer.Option(parser=when, metavar="TIME", help="From then on. [the file's first record]"),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=when, metavar="TIME", help="Until then. [its last; 5 minutes ago]"),
]
From = Annotated[
    datetime,
    typer.Option(
        "--from",
        parser=when,
        metavar="TIME",
        help="The moment of the change. What came in before is the other system's; from then on"
        " FILE must have all that it has handled.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")]


@shadow.command()
def report(
    handled: Handled,
    since: Since = None,
    until: Until = None,
    tenant: AnyTenant = "",
    mailboxes: Mailboxes = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare what the other system has handled with what came in shadow.

    Fails (1) if anything is only there.
    """
    file = read_handled(handled)
    begin = since or min((each.handled_at for each in file.records), default=None)
    if begin is None:
        raise CommandFailed(f"{handled} has no record: give --since")

    async def run(core: Core, _: Settings) -> tuple[Comparison, datetime, datetime]:
        now = core.clock.now()
        settled, start = now - SETTLED, max(begin, now - SHADOW_LASTS)
        latest = max((each.handled_at for each in file.records), default=settled)
        end = until or min(latest, settled)
        served = await _served(core, tenant, mailboxes or [])
        theirs = _of(file.records, served, is_limited=bool(tenant or mailboxes))
        found = await core.compare_shadow(theirs, served, since=start, until=end)
        return found, start, end

    found, start, end = with_core(run)
    print_comparison(found, file.bad, start, end, as_json=as_json)
    if found.only_there:
        raise typer.Exit(1)


@shadow.command()
def release(
    handled: Handled,
    since: From,
    tenant: AnyTenant = "",
    mailboxes: Mailboxes = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Hand over what came in shadow and is not the other system's. To repeat it changes nothing."""
    file = read_handled(handled)
    if file.bad:  # what is not read would be handled a second time
        raise CommandFailed(f"{summary(file.bad)}; nothing was released")

    async def run(core: Core, _: Settings) -> list[Released]:
        now = core.clock.now()
        if since > now:
            raise typer.BadParameter("that is still to come", param_hint="--from")
        if since < now - SHADOW_LASTS:  # what was ours to handle would be gone
            raise typer.BadParameter(TOO_LONG_AGO, param_hint="--from")
        served = await _served(core, tenant, mailboxes or [])
        released: list[Released] = []
        with progress("releasing", len(served.mailboxes)) as done:
            steps = core.release_shadow(file.records, served, since, dry_run=dry_run)
            async for step in steps:
                released.append(step)
                done(len(released))
        return released

    print_released(with_core(run), since, dry_run=dry_run, as_json=as_json)


async def _served(core: Core, tenant: str, only: Sequence[str]) -> Served:
    try:
        served = await Served.of(core.registry, tenant=tenant, only=only)
    except AmbiguousAddress as error:
        raise CommandFailed(f"{error} (--tenant)") from None
    known = {mailbox.id for mailbox in served.mailboxes.values()}
    if unknown := sorted(set(only) - known):
        raise CommandFailed(f"there is no mailbox {', '.join(unknown)}; see: postroom mailbox list")
    return served


def _of(records: Sequence[Theirs], served: Served, *, is_limited: bool) -> Sequence[Theirs]:
    """Those that the comparison is about: where it is limited, of no mailbox but these."""
    if not is_limited:
        return records
    return [each for each in records if each.mailbox in served.mailboxes]
