"""What every Offload promises."""

from collections.abc import AsyncIterator

import pytest

from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.offload import Processes
from postroom.adapters.offload.processes import Limits
from postroom.application.ports import Kind, Offload
from postroom.domain.failure import Unprocessable
from postroom.domain.mail.reader import read_message

PORTS = {Offload}


@pytest.fixture(params=["memory", "at once", "in a process"])
async def offload(request: pytest.FixtureRequest) -> AsyncIterator[Offload]:
    if request.param == "memory":
        yield AtOnce()
        return
    in_line = 0 if request.param == "in a process" else 2**20
    processes = Processes({kind: Limits(in_line=in_line) for kind in Kind})
    yield processes
    await processes.aclose()


@pytest.mark.parametrize("kind", Kind)
async def test_it_returns_what_the_work_does(offload: Offload, kind: Kind) -> None:
    assert await offload(kind, str.upper, "hello", size=5) == "HELLO"


async def test_it_raises_what_the_work_does(offload: Offload) -> None:
    with pytest.raises(Unprocessable) as raised:
        await offload(Kind.MAIL, read_message, b" ", size=1)

    assert raised.value.reason == "the message is empty"


async def test_a_bug_in_the_work_is_met_by_who_wants_it(offload: Offload) -> None:
    with pytest.raises(ZeroDivisionError):
        await offload(Kind.MAIL, (1).__truediv__, 0, size=1)


async def test_one_work_after_the_other_can_be_done(offload: Offload) -> None:
    assert [await offload(Kind.MAIL, len, b"x" * n, size=n + 1) for n in range(3)] == [0, 1, 2]
