"""A PostgreSQL server on a Unix socket, without a password and without TCP."""

import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from postroom.adapters.embedded.account import NOBODY, Account, accounts_for
from postroom.adapters.embedded.binaries import (
    bundled_postgres,
    copy_bundled_postgres,
    find_postgres,
)
from postroom.adapters.embedded.disk import disk_complaint
from postroom.adapters.embedded.server import EmbeddedServer, EngineError, last_line
from postroom.adapters.embedded.sockets import make_private, socket_directory

_SOCKET = ".s.PGSQL.5432"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # one byte answers it: PostgreSQL manual, 54.2.11
_STATUS = 7  # the line of postmaster.pid, counted from 0: LOCK_FILE_LINE_PM_STATUS in pidfile.h


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with one superuser, `postroom`, and the database `postgres`.

    *binaries* is the directory that holds `postgres` and `initdb`. Run by root, the server lives
    in a user namespace; where those are forbidden it runs as uid 65534.
    """

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # the "fast" shutdown
    remedy: ClassVar[str] = "mend POSTROOM_PG_BIN, or set POSTROOM_DATABASE_URL"

    def __init__(self, home: Path, binaries: Path | None = None) -> None:
        super().__init__(home)
        self.binaries = binaries
        self.data = self.home / "data"
        self.sockets = socket_directory(self.home, f"{_SOCKET}.lock")

    @property
    def url(self) -> str:
        return f"postgresql://postroom@/postgres?host={quote(str(self.sockets), safe='')}&port=5432"

    def answers(self) -> bool:
        """A server that still recovers says so in its pid file; one that hangs says nothing."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.sockets / _SOCKET))
                client.sendall(_SSL_REQUEST)
                return bool(client.recv(1)) and self._pid_file()[_STATUS].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        account, binaries = self._choose_account(self.binaries or find_postgres())
        make_private(self.sockets, self.home)
        account.own(self.sockets)
        if not self.data.exists():
            self._refuse_to_forget()
            self._initialise(account, binaries)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [binaries / "postgres", "-D", self.data, *options]
        return account.spawn(command, cwd=self.home, log=self.log, lock=lock)

    def _choose_account(self, binaries: Path) -> tuple[Account, Path]:
        """The first account that can run the binaries (or a copy) in the home."""
        problem = "it is not there"
        accounts = accounts_for(self.data if self.data.exists() else self.home)
        for account in accounts if (binaries / "postgres").exists() else ():
            if account == NOBODY:
                binaries = self._open_to_nobody(binaries)
            try:
                version = account.run(binaries / "postgres", "--version", cwd=self.home)
            except OSError as error:
                problem = f"{error.filename}: {error.strerror}"
                continue
            if version.returncode == 0:
                self._check_version(version.stdout.split()[2].partition(".")[0])
                return account, binaries
            problem = last_line(version.stderr)
        raise EngineError(f"{binaries / 'postgres'} cannot be run ({problem}): {self.remedy}")

    def _check_version(self, ours: str) -> None:
        mark = self.data / "PG_VERSION"
        if mark.exists() and (theirs := mark.read_text().strip()) != ours:
            raise EngineError(
                f"{self.data} was made by PostgreSQL {theirs} and this is {ours}: dump it with"
                " pg_dumpall of the old release and restore it into an empty POSTROOM_HOME"
            )

    def _open_to_nobody(self, binaries: Path) -> Path:
        """Give the data to uid 65534, and a copy of the binaries if it cannot reach them."""
        if not NOBODY.can_enter(self.home.parent):
            raise EngineError(
                f"{self.home} is closed to other users, and PostgreSQL does not run as root: set"
                " POSTROOM_HOME to a directory such as /var/lib/postroom, or be an ordinary user"
            )
        NOBODY.own(self.home)
        if self.data.exists() and self.data.stat().st_uid == 0:
            NOBODY.own(self.data, *self.data.rglob("*"))
        if binaries != bundled_postgres() or NOBODY.can_run(binaries / "postgres"):
            return binaries
        copied = copy_bundled_postgres(binaries, self.home / "binaries")
        NOBODY.own(*(self.home / "binaries").rglob("*"))
        return copied

    def _refuse_to_forget(self) -> None:
        """A database that was there a moment ago is not replaced by an empty one."""
        if self._membership is not None:
            raise EngineError(f"{self.data} is gone: put it back, or start Postroom anew")

    def _initialise(self, account: Account, binaries: Path) -> None:
        """Create the data directory; one that was cut short never gets the final name."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = (
            "--username=postroom",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        )
        done = account.run(binaries / "initdb", "-D", unfinished, *options, cwd=self.home)
        if done.returncode != 0:
            said = disk_complaint(self.home, done.stderr) or last_line(done.stderr)
            raise EngineError(f"no database could be made in {self.home}: {said}")
        unfinished.rename(self.data)

    def _pid(self) -> int:
        return int(self._pid_file()[0])

    def _pid_file(self) -> list[str]:
        return (self.data / "postmaster.pid").read_text().splitlines()
