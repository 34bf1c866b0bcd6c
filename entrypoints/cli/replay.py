"""`postroom replay`: what an application has had is handed over to it once more."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from postroom.application.ports import HandoverFilter
from postroom.application.replay_handovers import REPLAYABLE, Progress
from postroom.domain.failure import Failure
from postroom.domain.handover.application import Mode
from postroom.domain.handover.handover import State
from postroom.entrypoints.cli.context import with_core
from postroom.entrypoints.cli.dead_filter import age
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import AnyTenant, AsJson, print_json
from postroom.entrypoints.cli.progress import progress
from postroom.entrypoints.cli.prompts import confirm
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings

States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only in this state. Repeatable. [all that has ended, and held]"),
]


def replay(
    application: Annotated[str, typer.Option("--application", help="Whose messages.")],
    since: Annotated[
        timedelta,
        typer.Option(parser=age, metavar="AGE", help="What was accepted since: 15m, 3h, 2d."),
    ],
    until: Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="Only what was accepted longer ago."),
    ] = None,
    tenant: AnyTenant = "",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    states: States = None,
    rate: Annotated[float, typer.Option(min=0, help="At most so many a second. [0: no limit]")] = 0,
    *,
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Under new keys: each has a second effect.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hand messages over once more: the same keys and bytes, unless --as-new says otherwise."""
    wanted = frozenset(states or REPLAYABLE)
    if unfit := wanted - REPLAYABLE:
        raise typer.BadParameter(_unfit(unfit), param_hint="--state")

    async def look(core: Core, _: Settings) -> tuple[HandoverFilter, Progress]:
        now = core.clock.now()
        chosen = HandoverFilter(
            tenant=tenant,
            application=application,
            mailbox=mailbox,
            states=wanted,
            since=now - since,
            until=now - (until or timedelta()),  # what is replayed as new comes after that
        )
        return chosen, await _count(core, chosen, as_new=as_new)

    chosen, found = with_core(look)
    if dry_run or not found.matched:
        _print(found, as_json=as_json, dry_run=True)
        return
    if not yes and (doubt := _doubt(found, as_new=as_new)):
        confirm(doubt, "nothing was replayed; to be asked nothing, add --yes")

    async def run(core: Core, _: Settings) -> Progress:
        return await _run(core, chosen, found.matched, as_new=as_new, rate=rate)

    _print(with_core(run), as_json=as_json, dry_run=False)


async def _count(core: Core, chosen: HandoverFilter, *, as_new: bool) -> Progress:
    found = Progress()
    with progress("counting") as report:
        async for found in core.replay.survey(chosen, as_new=as_new):
            report(found.matched)
    return found


async def _run(
    core: Core, chosen: HandoverFilter, total: int, *, as_new: bool, rate: float
) -> Progress:
    application = await core.applications.get(chosen.tenant, chosen.application)
    if application is None:
        whose = "" if chosen.tenant else "; if it is a tenant's, give --tenant"
        raise CommandFailed(f"there is no application {chosen.application}{whose}")
    if application.mode is not Mode.DELIVER:
        raise CommandFailed(f"the application {application.name} is in mode {application.mode}")
    step = Progress()
    try:
        with progress("replaying", total) as report:
            async for step in core.replay(application, chosen, as_new=as_new, rate=rate):
                report(step.matched)
    except Failure as failure:
        raise CommandFailed(f"{_stopped(step, total)}: {failure}") from failure
    except asyncio.CancelledError:  # by Ctrl-C
        typer.echo(f"postroom: {_stopped(step, total)}", err=True)
        raise
    return step


def _doubt(found: Progress, *, as_new: bool) -> str:
    """What a person should know before; empty if there is nothing."""
    if as_new:
        return f"{_counted(found.matched)} a second effect. Replay?"
    if found.forgotten:
        return (
            f"{_counted(found.forgotten)} a key that the application may have forgotten by now, and"
            " so a second effect. Replay?"
        )
    return ""


def _print(result: Progress, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        counts = {"matched": result.matched, "done": result.done, "left": dict(result.left)}
        print_json({**counts, "forgotten": result.forgotten, "dry_run": dry_run})
    elif not result.matched:
        typer.echo("No handover matches. What there is: postroom handover list")
    elif dry_run:
        typer.echo(f"{_counted(result.matched, 'meant')}. This was a dry run: nothing was changed.")
    else:
        typer.echo(f"{_counted(result.done, 'replayed')}: `postroom handover list` has them.")
    if result.left:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in result.left)
        raise CommandFailed(f"not replayed: {reasons}")


def _counted(count: int, what: str = "") -> str:
    one = count == 1
    verb = ("is" if one else "are") if what else ("has" if one else "have")
    return f"{count} message{'' if one else 's'} {verb}{f' {what}' if what else ''}"


def _stopped(step: Progress, total: int) -> str:
    return f"stopped when {step.done} of {total} were replayed, the newest first"


def _unfit(states: frozenset[State]) -> str:
    if State.SHADOW in states:
        return "what came in shadow is released: postroom shadow release"
    if State.MOVED in states:
        return "what has moved is its fallback's: replay it with --application and that name"
    return f"what is {' or '.join(sorted(states))} is called with anyhow"
