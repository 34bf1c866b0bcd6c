"""What `dead redrive` and `dead purge` have in common: look first, then go batch by batch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import typer

from postroom.application.redrive_dead_letters import (
    SHOWN,
    Progress,
    RedriveDeadLetters,
    Survey,
    Which,
)
from postroom.domain.failure import Failure
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_filter import Chosen
from postroom.entrypoints.cli.dead_output import print_letters
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import print_json
from postroom.entrypoints.cli.progress import progress
from postroom.entrypoints.views.dead_letters import dead_letter_view


@dataclass(frozen=True, slots=True)
class Action:
    """*doing* and *done* are what is said of letters on the way and at the end."""

    doing: str
    done: str
    run: Callable[[RedriveDeadLetters, Which, float], AsyncIterator[Progress]]


REDRIVE = Action(
    "redriving",
    "queued again",
    lambda dead_letters, which, rate: dead_letters.redrive(which, rate=rate),
)
PURGE = Action(
    "purging",
    "purged",
    lambda dead_letters, which, rate: dead_letters.purge(which, rate=rate),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked for (*which*), as it stood at the *survey*."""

    which: Which
    survey: Survey


def look(jobs: Sequence[str], chosen: Chosen, *, every: bool) -> Found:
    """Count what is meant: by the ids of *jobs*, by what is *chosen*, or *every* dead letter."""
    if [bool(jobs), bool(chosen), every].count(True) != 1:
        raise typer.BadParameter("give job ids, or options that choose, or --all: one of these")

    async def count(admin: AdminContext) -> Found:
        which, survey = jobs or chosen.as_of(admin.clock.now(), admin.providers), Survey()
        with progress("counting") as report:
            async for survey in admin.dead_letters.survey(which):
                report(survey.matched)
        return Found(survey.only_these(which), survey)

    return with_admin(count)


def preview(found: Found, *, as_json: bool) -> None:
    """Print what a dry run has found."""
    survey = found.survey
    first = [dead_letter_view(letter) for letter in survey.first]
    if as_json:
        print_json({**_result(found, Progress(survey.matched)), "dry_run": True, "first": first})
    elif survey.matched:
        typer.echo(f"{counted(survey.matched)} meant. This was a dry run: nothing was changed.")
        print_letters(first, with_tenant=True)
        if survey.matched > SHOWN:
            typer.echo(f"… and {survey.matched - SHOWN} more.")
    else:
        _print_none(found)
    _refuse_unknown(found)


def move(action: Action, found: Found, rate: float, *, as_json: bool) -> None:
    """Do it, and print how many it was. Raises CommandFailed."""
    result = with_admin(lambda admin: _move(action, found, rate, admin))
    stay = found.survey.orphaned if action is REDRIVE else 0
    if as_json:
        print_json({**_result(found, result), "dry_run": False})
    elif result.matched:
        gone = max(result.matched - result.done - stay, 0)
        others = f"; {gone} had gone already" if gone else ""
        typer.echo(f"{counted(result.done)} {action.done}{others}.")
    else:
        _print_none(found)
    _refuse_unknown(found)
    if stay:
        raise CommandFailed(_orphaned(stay))


async def _move(action: Action, found: Found, rate: float, admin: AdminContext) -> Progress:
    step, total = Progress(), found.survey.matched
    if not total:
        return step
    try:
        with progress(action.doing, total) as report:
            async for step in action.run(admin.dead_letters, found.which, rate):
                report(step.done)
    except Failure as failure:
        stopped = _stopped(action, step, total)
        raise CommandFailed(f"{stopped}; run it again for the rest: {failure}") from failure
    except asyncio.CancelledError:  # by Ctrl-C
        typer.echo(f"postroom: {_stopped(action, step, total)}", err=True)
        raise
    return step


def _stopped(action: Action, step: Progress, total: int) -> str:
    return f"stopped when {step.done} of {total} were {action.done}"


def _orphaned(count: int) -> str:
    are = "handover stays" if count == 1 else "handovers stay"
    return f"{count} {are}, whose application was removed: add it again, or purge what stays"


def _result(found: Found, progress: Progress) -> dict[str, object]:
    return {
        "matched": progress.matched,
        "done": progress.done,
        "unknown": found.survey.unknown,
        "orphaned": found.survey.orphaned,
    }


def _print_none(found: Found) -> None:
    if not found.survey.unknown:
        typer.echo("No dead letters match. What there is: postroom dead list")


def _refuse_unknown(found: Found) -> None:
    if unknown := found.survey.unknown:
        ids = ", ".join(unknown)
        raise CommandFailed(f"no dead letter has the id {ids}; see: postroom dead list")


def counted(count: int) -> str:
    return f"{count} dead letter{' is' if count == 1 else 's are'}"
