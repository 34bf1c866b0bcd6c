"""Threads for whatever blocks in a test."""

from concurrent.futures import ThreadPoolExecutor

from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock

THREADS = ThreadPoolExecutor(8)


def sign_ins(clock: Clock) -> SignIns:
    """Those of one process, of which nobody has failed yet."""
    return SignIns(THREADS, clock)
