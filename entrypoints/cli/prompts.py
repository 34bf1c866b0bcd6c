"""Asking before what cannot be undone."""

import sys

import typer

from postroom.entrypoints.cli.errors import CommandFailed


def ask(question: str, otherwise: str) -> None:
    """Raises CommandFailed, with what is told *otherwise*, unless the answer is yes."""
    # typer.confirm would put a space on standard output
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandFailed(otherwise)
