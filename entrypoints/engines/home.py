"""The directory that all of an installation lies in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.entrypoints.settings import NotReady


@contextmanager
def usable(home: Path) -> Iterator[None]:
    """Make the directory, if it is not there. Raises NotReady for what is refused in the block."""
    try:
        # To be passed through by the account that runs PostgreSQL for root.
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise NotReady(
            f"cannot use {error.filename}: {error.strerror};"
            " set POSTROOM_HOME to a directory of your own"
        ) from error
