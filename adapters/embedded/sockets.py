"""Where the Unix socket of a server may lie."""

import hashlib
import os
from pathlib import Path

from postroom.adapters.embedded.server import EngineError

_SHORT = Path("/tmp")  # noqa: S108 - make_private looks who is there; not TMPDIR, which varies
_LONGEST = 100  # sun_path has 108 bytes on Linux and 104 on macOS, its final zero included


def socket_directory(home: Path, socket: str) -> Path:
    """*home*, or if a socket's path in it is too long a directory that the name decides."""
    # PostgreSQL takes a comma for the end of a directory's name.
    if len(os.fsencode(home / socket)) <= _LONGEST and "," not in str(home):
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return _SHORT / f"postroom-{os.geteuid()}-{digest}"


def make_private(directory: Path, home: Path) -> None:
    """Create a directory for the owner of *home* alone.

    Raises:
        EngineError: somebody else was there first.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid not in {os.geteuid(), home.stat().st_uid}:
        raise EngineError(f"{directory} is another user's: set POSTROOM_HOME to a shorter path")
