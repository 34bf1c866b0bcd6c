"""How the API is served."""

import asyncio
import gc
import socket
from collections.abc import Iterator

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.api.server import COLLECT_AFTER, serve, tune_gc
from tests.unit.api_rig import open_rig

GET = b"GET /health/live HTTP/1.1\r\nHost: postroom.example\r\n\r\n"


async def test_no_answer_waits_for_the_acknowledgement_of_its_first_part(
    clock: ManualClock,
) -> None:
    stop = asyncio.Event()
    with open_rig(clock) as rig, socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(serve(rig.app(), listening, stop))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(GET)

        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

        stop.set()
        writer.close()
        await serving


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector, left as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_what_is_there_at_the_start_is_not_looked_through_again() -> None:
    tune_gc()

    assert gc.isenabled()
    assert gc.get_threshold()[0] == COLLECT_AFTER
    assert gc.get_freeze_count() > 10_000
