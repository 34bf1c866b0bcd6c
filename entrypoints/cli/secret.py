"""Where a command gets a secret from: a file, the environment, or a prompt; never an option."""

import os
import sys
from pathlib import Path

import typer

from postroom.domain.account import Secret
from postroom.entrypoints.cli.errors import CommandFailed


def secret_of_file(what: str, file: str) -> Secret:
    """From *file*, where `-` is standard input. Raises CommandFailed."""
    source = "standard input" if file == "-" else file
    return _filled(what, source, _read(what, file, source))


def secret_of_environment(what: str, variable: str) -> Secret | None:
    """None if *variable* is not set. Raises CommandFailed if it is empty."""
    text = os.environ.get(variable)
    return None if text is None else _filled(what, variable, text)


def prompted_secret(what: str) -> Secret:
    return Secret(typer.prompt(what, hide_input=True))


def _read(what: str, file: str, source: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{what}: cannot read {source}: {error.strerror}") from None
    except UnicodeDecodeError:  # which quotes what it could not decode
        raise CommandFailed(f"{what}: cannot read {source}: it is not text") from None


def _filled(what: str, source: str, text: str) -> Secret:
    if not text.strip():
        raise CommandFailed(f"{what}: {source} is empty")
    return Secret(text.strip())
