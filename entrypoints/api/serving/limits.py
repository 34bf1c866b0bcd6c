"""What a client may take of us: time, bytes, connections and file descriptors."""

import resource
import sys
from contextlib import suppress
from dataclasses import dataclass

KIBIBYTE = 2**10
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """*header_seconds* run from connecting, or from the first byte of a later request, to the end
    of its headers; *body_seconds* from there to the end of its body; *idle_seconds* between two.

    *header_bytes* are for one request. *pending_bytes* are for all that are being received and
    answered at a time, with their bodies.
    """

    header_seconds: float = 10
    body_seconds: float = 10
    idle_seconds: float = 75  # more than common proxies': none of them meets a closing connection
    header_bytes: int = 64 * KIBIBYTE
    pending_bytes: int = 64 * MEBIBYTE
    connections: int = 2000


def raise_open_files() -> int:
    """Have as many files open as we may, and return how many that are.

    The soft limit is often 1,024, for the sake of programs that use `select`.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where "unlimited" is more than the kernel takes
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def connections_within(open_files: int) -> int:
    """How many connections leave enough of *open_files* for Redis, PostgreSQL and the blobs."""
    return max(1, open_files * 3 // 4)
