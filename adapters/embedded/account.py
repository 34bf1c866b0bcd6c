"""Under which account a server runs. PostgreSQL refuses to run as root."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from errno import ETIMEDOUT
from pathlib import Path

_NOBODY = 65534
_ENTER_NAMESPACE = Path(__file__).with_name("enter_namespace.py")


@dataclass(frozen=True, slots=True)
class Account:
    """Starts programs as the current user, in a user namespace, or as another user.

    Nothing runs between fork and exec (no `preexec_fn`), which could deadlock in a process with
    threads: the namespace is entered by a small program that then becomes the server.
    """

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a short program to its end, and collect what it says.

        Raises:
            OSError: it cannot be run, or has not ended after two minutes.
        """
        try:
            return subprocess.run(  # noqa: S603 - to start programs is what it is for
                [*self.prefix, *command],
                cwd=cwd,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=120,
                check=False,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(ETIMEDOUT, "it takes too long", str(command[0])) from error

    def can_enter(self, directory: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd "$0"', directory, cwd=Path("/")).returncode == 0

    def can_run(self, program: Path) -> bool:
        try:
            return self.run(program, "--version", cwd=Path("/")).returncode == 0
        except OSError:
            return False

    def spawn(
        self, command: Sequence[str | Path], cwd: Path, log: Path, lock: int
    ) -> subprocess.Popen[bytes]:
        """Start a server in a session of its own, so that Ctrl-C in the terminal passes it by."""
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - likewise
                [*self.prefix, *command],
                cwd=cwd,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )

    def own(self, *paths: Path) -> None:
        """Give files and directories to this account, if it is not the current one."""
        if self.uid is not None and self.gid is not None:
            for path in paths:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


CURRENT_USER = Account()
NAMESPACE = Account(prefix=(sys.executable, "-I", "-S", str(_ENTER_NAMESPACE)))
NOBODY = Account(uid=_NOBODY, gid=_NOBODY)


def accounts_for(directory: Path) -> Iterator[Account]:
    """The accounts that may work in *directory* without being root, the best first."""
    owner = directory.stat()
    if os.geteuid() != 0:
        yield CURRENT_USER
    elif owner.st_uid != 0:
        yield Account(uid=owner.st_uid, gid=owner.st_gid)
    else:
        if sys.platform == "linux":
            yield NAMESPACE
        yield NOBODY


def _environment() -> dict[str, str]:
    # PGPORT, PGOPTIONS and their like are meant for clients, but servers obey some of them.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C"}
