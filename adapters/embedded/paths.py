"""Where binaries lie, and where sockets may lie."""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from adapters.embedded.server import EngineError

_LONGEST = 100  # sun_path has 108 bytes on Linux and 104 on macOS, its final zero included


def package_directory(name: str) -> Path | None:
    """Where a package lies, without importing it; None if it is not installed."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def socket_directory(home: Path, socket: str) -> Path:
    """*home*, or if a path in it is too long for a socket a directory that its name decides."""
    # PostgreSQL takes a comma for the end of a directory's name.
    if len(os.fsencode(home / socket)) <= _LONGEST and "," not in str(home):
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    # Not TMPDIR: all processes must come to the same place.
    return Path("/tmp") / f"postroom-{os.geteuid()}-{digest}"  # noqa: S108 - see make_private


def make_private(directory: Path) -> None:
    """Create a directory for this user alone, and refuse one that somebody else has made."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if directory.is_symlink() or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
        raise EngineError(
            f"{directory} belongs to another user: set POSTROOM_HOME to a shorter path"
        )
