"""Become uid 1000 of a new user namespace, then become the program given: a script of its own.

On disk everything still belongs to root, so closed directories stay closed and usable.
See user_namespaces(7); setgroups must be denied before gid_map may be written.
"""

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000


def enter_namespace() -> None:
    """Raises OSError where user namespaces are forbidden, as in Docker by default."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")


if __name__ == "__main__":
    enter_namespace()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the shell has no part in this
