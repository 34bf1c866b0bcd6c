"""How dead letters are shown: a row of a table, or one with all its story."""

from collections.abc import Sequence
from dataclasses import asdict

import typer

from postroom.domain.dead_letter import DeadLetter
from postroom.entrypoints.cli.output import Row, one_line, print_table

UNREADABLE = "unreadable"
"""Stands for the provider of a job whose record cannot be read."""


def row(letter: DeadLetter) -> Row:
    return {
        "job": letter.id,
        "tenant": letter.tenant,
        "mailbox": letter.mailbox,
        "provider": letter.provider or UNREADABLE,
        "died": letter.died_at,
        "attempts": letter.attempts,
        "reason": letter.reason,
    }


def details(letter: DeadLetter) -> Row:
    """All that is known of it; the pointer is empty where the job's record cannot be read."""
    return {
        **row(letter),
        "enqueued": letter.job.enqueued_at if letter.job else None,
        "pointer": asdict(letter.job.pointer) if letter.job else {},
        "reasons": [{"at": at, "reason": reason} for at, reason in letter.reasons],
    }


def print_letters(letters: Sequence[DeadLetter], *, without: Sequence[str] = ()) -> None:
    """Print a table that leaves out what is only for programs, and the columns *without*."""
    hidden = {"provider", "attempts", *without}
    rows = [
        {name: value for name, value in row(each).items() if name not in hidden} for each in letters
    ]
    print_table(rows, prose=("reason",))


def read_out(letter: DeadLetter) -> None:
    """Print its story, and what can be done with it."""
    typer.echo(f"Job {letter.id} of {letter.tenant}/{letter.mailbox}")
    typer.echo(f"died at {one_line(letter.died_at)} UTC after {_attempts(letter)}\n")
    _print_pointer(letter)
    typer.echo("What ended each delivery (UTC)")
    for at, reason in letter.reasons:
        typer.echo(f"  {one_line(at)}  {one_line(reason)}")
    typer.echo(f"\nTry it again:  postroom dead redrive {letter.id}")
    typer.echo(f"Forget it:     postroom dead purge {letter.id}")


def _print_pointer(letter: DeadLetter) -> None:
    if letter.job is None:
        typer.echo("Its record cannot be read: another release may have written it.\n")
        return
    pointer = asdict(letter.job.pointer)
    width = max(map(len, pointer))
    typer.echo("What it points at")
    for name, value in pointer.items():
        text = ", ".join(value) if isinstance(value, tuple) else value
        typer.echo(f"  {name.replace('_', ' '):{width}}  {one_line(text)}".rstrip())
    typer.echo(f"Enqueued at {one_line(letter.job.enqueued_at)} UTC\n")


def _attempts(letter: DeadLetter) -> str:
    return f"{letter.attempts} attempt{'' if letter.attempts == 1 else 's'}"
