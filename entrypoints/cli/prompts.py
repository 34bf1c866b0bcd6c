"""A question before what cannot be undone."""

import sys

import typer

from postroom.entrypoints.cli.errors import CommandFailed


def confirm(question: str, otherwise: str) -> None:
    """Raises CommandFailed, with the text *otherwise*, unless a person says yes."""
    # typer.confirm would put a space on standard output
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandFailed(otherwise)
