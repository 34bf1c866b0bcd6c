"""What the garbage collector passes over, and what it does not."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from postroom.entrypoints.garbage import freeze_startup


class Ring:
    """Refers to itself, so that only the collector finds out that nobody else does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_at_the_start_is_passed_over() -> None:
    freeze_startup()

    assert gc.get_freeze_count() > 10_000
    assert gc.isenabled()


def test_what_becomes_garbage_later_is_found() -> None:
    freeze_startup()
    ring = Ring()
    garbage = weakref.ref(ring)
    del ring

    gc.collect()

    assert garbage() is None
