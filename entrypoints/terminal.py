"""What a person at a terminal is shown, beside the log, which goes to standard error."""

import sys
from contextlib import suppress


def is_watched() -> bool:
    """Whether standard output is a terminal. A program that reads us has the log."""
    return sys.stdout.isatty()


def show(line: str) -> None:
    """Write *line*, if anybody watches."""
    if is_watched():
        with suppress(OSError):  # the terminal is gone
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
