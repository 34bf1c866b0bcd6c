"""How dead letters are shown to people: as rows of a table, or one with all its story."""

from collections.abc import Sequence

import typer

from postroom.entrypoints.cli.output import Row, one_line, print_table
from postroom.entrypoints.views.dead_letters import DeadLetterView
from postroom.entrypoints.views.jobs import JobView


def print_letters(letters: Sequence[DeadLetterView], *, with_tenant: bool) -> None:
    """Print a table, with a column for the tenant if that is wanted."""
    print_table([_row(each, with_tenant=with_tenant) for each in letters], prose=("what", "reason"))


def _row(letter: DeadLetterView, *, with_tenant: bool) -> Row:
    tenant = {"tenant": letter.tenant} if with_tenant else {}
    return {
        "id": letter.id,
        **tenant,
        "mailbox": letter.mailbox,
        "what": _what(letter),
        "died": letter.died_at,
        "reason": letter.reasons[-1].reason,
    }


def _what(letter: DeadLetterView) -> str:
    return "handover, may be handled" if letter.may_be_handled else letter.kind


def print_letter(letter: DeadLetterView) -> None:
    """Print its story, and what can be done with it."""
    name = "Handover" if letter.kind == "handover" else "Job"
    typer.echo(f"{name} {letter.id} of {letter.tenant}/{letter.mailbox}")
    typer.echo(f"died at {one_line(letter.died_at)} UTC after {_tries(letter)}\n")
    if letter.kind == "handover":
        may = "may have handled it" if letter.may_be_handled else "has surely not handled it"
        typer.echo(f"The application {letter.application} {may}.\n")
    if letter.job:
        _print_job(letter.job)
    elif letter.kind == "pointer":
        typer.echo("Its record cannot be read: another release may have written it.\n")
    typer.echo("What ended each delivery (UTC)")
    for each in letter.reasons:
        typer.echo(f"  {one_line(each.at)}  {one_line(each.reason)}")
    typer.echo(f"\nTry it again:  postroom dead redrive {letter.id}")
    typer.echo(f"Forget it:     postroom dead purge {letter.id}")


def _print_job(job: JobView) -> None:
    width = max(map(len, job.pointer))
    typer.echo("What it points at")
    for name, value in job.pointer.items():
        text = ", ".join(value) if isinstance(value, tuple) else value
        typer.echo(f"  {name.replace('_', ' '):{width}}  {one_line(text)}".rstrip())
    typer.echo(f"Enqueued at {one_line(job.enqueued_at)} UTC\n")


def _tries(letter: DeadLetterView) -> str:
    crashes = f" and {_count(letter.crashes, 'crash', 'es')}" if letter.crashes else ""
    return _count(letter.attempts, "attempt", "s") + crashes


def _count(number: int, noun: str, plural: str) -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"
