"""Waiting, in a thread, for what can only be looked at."""

import time
from collections.abc import Callable


def within(end: float, done: Callable[[], bool]) -> bool:
    """Try until *done*, or until the monotonic clock reads *end*."""
    pause = 0.002
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True
