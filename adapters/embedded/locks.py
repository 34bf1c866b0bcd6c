"""File locks that the kernel drops when the last process holding them ends, however it ends."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An open file with a `flock` on it. Two objects never share a lock, even in one process."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)

    def share(self) -> None:
        """Hold the lock together with others. The caller knows that nobody holds it alone."""
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def seize(self) -> bool:
        """Hold the lock alone, giving up a share of it; False if others hold it."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go. A child process that inherited the file goes on holding the lock."""
        os.close(self.fd)


def is_held(path: Path) -> bool:
    lock = FileLock(path)
    try:
        return not lock.seize()
    finally:
        lock.close()
