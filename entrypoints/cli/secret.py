"""Where a command gets a secret from: a file, the environment, or a question; never an option."""

import os
import sys
from pathlib import Path

import typer

from postroom.domain.mailbox import Secret
from postroom.entrypoints.cli.errors import CommandFailed

FROM_FILE = "A file that holds it (`-`: standard input). Without, it is asked for."


def read_secret(what: str, file: str, variable: str) -> Secret:
    """From *file*, else from *variable*, else asked for. Raises CommandFailed."""
    if file:
        source = "standard input" if file == "-" else file
        return _filled(what, source, _read(what, file, source))
    if (text := os.environ.get(variable)) is not None:
        return _filled(what, variable, text)
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
