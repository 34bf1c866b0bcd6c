"""What a process is given to do in a test: it imports this, and so no more than it needs."""

import os
import signal
import time
from pathlib import Path


def pid(_: object) -> int:
    return os.getpid()


def spin(_: object) -> None:
    while True:
        pass


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


def wait_to_be_killed(started: str) -> str:
    """But for the second time, when it works."""
    if Path(started).exists():
        return "read"
    for number in (signal.SIGHUP, signal.SIGQUIT):  # a shell has its background jobs ignore them
        signal.signal(number, signal.SIG_DFL)
    Path(started).with_suffix(".new").write_text(f"{os.getpid()}")
    Path(started).with_suffix(".new").rename(started)
    time.sleep(60)
    raise AssertionError
