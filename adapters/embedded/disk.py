"""Whether it is the disk that a server fails of."""

import os
import shutil
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EROFS
from pathlib import Path

_COMPLAINTS = tuple(map(os.strerror, (ENOSPC, EDQUOT, EROFS, EFBIG, EIO)))
_MEBIBYTE = 2**20
_ROOM = 16 * _MEBIBYTE
"""Bytes: a segment of PostgreSQL's log, without which it ends. What it had begun to write is free
again by the time that anybody looks.
"""

_TAIL = 2**16


def disk_complaint(home: Path, said: str) -> str:
    """What the disk of *home* refuses, in the words of the system; empty if it refuses nothing.

    A server has *said* so. But its last words may have found no room in its log: then the disk
    itself is looked at.
    """
    free = _free(home)
    complaint = next((each for each in _COMPLAINTS if each in said), "")
    if not complaint and free < _ROOM:
        complaint = os.strerror(ENOSPC)
    return complaint and f"{complaint} ({free / _MEBIBYTE:.1f} MiB are free in {home})"


def read_log(log: Path, since: int = 0) -> str:
    """The end of a log, at the most from the byte *since*; empty if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, size_of(log) - _TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def size_of(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _free(home: Path) -> float:
    try:
        return shutil.disk_usage(home).free
    except OSError:
        return float("inf")
