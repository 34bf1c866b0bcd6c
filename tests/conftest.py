"""What every test may use. Servers: see tests/engines.py and tests/dovecot.py."""

from datetime import UTC, datetime

import pytest

from postroom.adapters.memory.clock import ManualClock

pytest_plugins = [
    "tests.engines",
    "tests.dovecot",
    "tests.buckets",
    *(
        f"tests.features.steps.{name}"
        for name in (
            "arriving",
            "dead_letters",
            "failing",
            "faults",
            "forgetting",
            "handing_over",
            "ingress",
            "mailboxes",
            "notifying",
            "results",
            "running",
            "subscribing",
            "syncing",
            "watching",
        )
    ),
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
