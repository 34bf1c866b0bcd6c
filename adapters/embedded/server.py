"""One server process, shared by all the processes that use its home directory.

Three lock files in the home say who is there, and cannot go stale:

* `.turn`    held alone by the process that starts or stops the server
* `.users`   held in common by every process that uses the server: the last one out stops it
* `.server`  handed down to the server itself: as long as it is held, a server lives

So two processes never start two servers on the same data, and a server whose parent was killed
is adopted by the next process that starts. Who uses a server that ends may start it again.
"""

import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

from postroom.adapters.embedded.disk import disk_complaint, read_log, size_of
from postroom.adapters.embedded.locks import FileLock, is_held
from postroom.adapters.embedded.waiting import within

HEEDS_WITHIN = 2.0
"""Seconds after which a signal is sent again: one that has just begun may not heed it yet."""


class EngineError(Exception):
    """An embedded server cannot be used; the message is one line that says what to do."""


class EmbeddedServer(ABC):
    """A context manager around the server whose files all lie in *home*."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    remedy: ClassVar[str]

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.log = self.home / f"{self.name}.log"
        self._membership: FileLock | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def answers(self) -> bool:
        """Whether a server takes requests. It is given a second; a stopped process does not."""

    @abstractmethod
    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        """Start the server process, which must inherit the file descriptor *lock*."""

    @abstractmethod
    def _pid(self) -> int:
        """The process id of the server that is ready, as its own pid file says."""

    def start(self, timeout: float = 60) -> Self:
        """Start the server, or join the one that runs already.

        Args:
            timeout: seconds to wait for it, which a server needs to read its data.

        Raises:
            EngineError: it cannot be started.
        """
        if self._membership is not None:
            return self
        end = time.monotonic() + timeout
        self._make_home()
        with self._turn(end):
            membership = FileLock(self.home / ".users")
            membership.share()
            try:
                self._bring_up(end)
            except BaseException:
                membership.close()
                self._abandon_child()
                raise
            self._membership = membership
        return self

    def stop(self, timeout: float = 30) -> None:
        """Leave; the last one out stops the server, by force after *timeout* seconds."""
        membership, self._membership = self._membership, None
        if membership is None:
            return
        end = time.monotonic() + timeout
        with self._turn(end):
            last_out = membership.seize()
            membership.close()
            if last_out:
                self._shut_down(end)
        self._child = None  # it lives on if others still use it

    def lives(self) -> bool:
        """Whether there is a server process, answering or not. Raises OSError."""
        return is_held(self.home / ".server")

    def returncode(self) -> int | None:
        """How the server has ended, as `subprocess` has it; None if another process started it."""
        with suppress(subprocess.TimeoutExpired):  # a process gives up its locks before it is gone
            return self._child.wait(1) if self._child else None
        return None

    def log_size(self) -> int:
        """How many bytes it has said so far."""
        return size_of(self.log)

    def disk_complaint(self, since: int = 0) -> str:
        """What the disk refuses it, as its log says from the byte *since*; empty: nothing."""
        return disk_complaint(self.home, read_log(self.log, since))

    def start_again(self) -> None:
        """Start the server that has ended, unless another process does. Does not wait for it.

        Raises:
            EngineError: it cannot be started.
            OSError: neither can the lock files be used.
        """
        turn = FileLock(self.home / ".turn")
        try:
            if turn.seize():
                self._child = None
                self._launch()
        finally:
            turn.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_home(self) -> None:
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            FileLock(self.home / ".turn").close()
        except OSError as error:
            raise EngineError(
                f"{self.home} cannot be written ({error.strerror}):"
                " set POSTROOM_HOME to a directory of your own"
            ) from error

    @contextmanager
    def _turn(self, end: float) -> Iterator[None]:
        turn = FileLock(self.home / ".turn")
        try:
            if not within(end, turn.seize):
                raise EngineError(
                    f"another process has been starting or stopping {self.name} in {self.home}"
                    " for too long: end it, and try again"
                )
            yield
        finally:
            turn.close()

    def _bring_up(self, end: float) -> None:
        if within(end, self._try_to_be_ready):
            return
        if self._child is None:
            raise EngineError(
                f"{self.home} is in use by a {self.name} that does not answer:"
                f" end that process, and try again; see {self.log}"
            )
        raise EngineError(f"{self.name} did not become ready in time; see {self.log}")

    def _try_to_be_ready(self) -> bool:
        if self.answers():
            return True
        if self._child is None or self._child.poll() is not None:
            self._launch()
        return False

    def _launch(self) -> None:
        """Start the server unless one lives, though it may not answer yet."""
        if self._child is not None:
            raise EngineError(
                f"{self.name} stopped at start (exit {self._child.returncode}):"
                f" {self.disk_complaint() or last_line(read_log(self.log))}; see {self.log}"
            )
        lock = FileLock(self.home / ".server")
        try:
            if lock.seize():
                self._child = self._spawn(lock.fd)
                # Reaped at once, whoever started it: PostgreSQL takes a zombie for a rival.
                threading.Thread(target=self._child.wait, daemon=True).start()
        except OSError as error:
            raise EngineError(
                f"{self.name} cannot be started ({error.filename}: {error.strerror}): {self.remedy}"
            ) from error
        finally:
            lock.close()

    def _shut_down(self, end: float) -> None:
        while (now := time.monotonic()) < end:
            self._signal(self.stop_signal)
            if within(min(end, now + HEEDS_WITHIN), lambda: not self.lives()):
                return
        self._signal(signal.SIGKILL)
        within(time.monotonic() + HEEDS_WITHIN, lambda: not self.lives())

    def _signal(self, number: signal.Signals) -> None:
        # A server on its way out by itself has no pid file any more, or is no process.
        with suppress(OSError, ValueError, IndexError):
            if self._child and self._child.poll() is None:
                self._child.send_signal(number)  # one that still starts has no pid file yet
            elif self.lives():
                os.kill(self._pid(), number)

    def _abandon_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def last_line(text: str) -> str:
    """Where a program that failed has said why."""
    return (text.strip().splitlines() or ["it said nothing"])[-1]
