"""Work in processes that can be ended: nothing that it does is done to us."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.adapters.offload import processes as module
from postroom.adapters.offload.processes import MEBIBYTE, Limits, Processes
from postroom.application.ports import Kind
from postroom.domain.failure import Contended, StoreUnavailable, Unavailable, Unprocessable
from tests.adapters.works import die, spin, wait_to_be_killed
from tests.adapters.works import pid as own_pid

NOTHING_IN_LINE = Limits(in_line=0, seconds=0.2, seconds_per_mebibyte=0.0, patience=300)


@pytest.fixture
async def offload() -> AsyncIterator[Processes]:
    offload = Processes({Kind.MAIL: NOTHING_IN_LINE, Kind.HTML: replace(NOTHING_IN_LINE)}, each=1)
    yield offload
    await offload.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):  # processes are slow to start where a machine is busy
        while not condition():  # noqa: ASYNC110 - what others do to processes sets no event
            await asyncio.sleep(0.02)


async def pid_of(offload: Processes) -> int:
    return await offload(Kind.MAIL, own_pid, None, size=1)


def is_zombie(pid: int) -> bool:
    """Whether it has ended, and nobody has asked how: in a container nobody may."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


async def test_small_work_is_done_here_and_large_work_elsewhere() -> None:
    offload = Processes({Kind.MAIL: Limits(in_line=10)})

    assert await offload(Kind.MAIL, own_pid, None, size=10) == os.getpid()
    assert await offload(Kind.MAIL, own_pid, None, size=11) != os.getpid()
    await offload.aclose()


async def test_a_process_does_one_work_after_the_other(offload: Processes) -> None:
    assert await pid_of(offload) == await pid_of(offload)


async def test_a_process_that_has_nothing_to_do_ends() -> None:
    offload = Processes({Kind.MAIL: NOTHING_IN_LINE}, idle_for=timedelta(milliseconds=1))
    before = await pid_of(offload)

    [process] = offload._idle

    async with asyncio.timeout(60):
        await process.wait()

    assert await pid_of(offload) != before
    await offload.aclose()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_takes_too_long_is_ended_and_is_the_messages_own(offload: Processes) -> None:
    before = await pid_of(offload)

    with pytest.raises(Unprocessable) as raised:
        await offload(Kind.MAIL, spin, None, size=1)

    assert raised.value.reason == "the message takes more than 0 s of processor time to read"
    assert await pid_of(offload) != before


async def test_html_says_that_it_was_the_html(offload: Processes) -> None:
    with pytest.raises(Unprocessable, match="the HTML of the message takes more than 0 s"):
        await offload(Kind.HTML, spin, None, size=1)


async def test_what_takes_too_much_memory_is_the_messages_own(offload: Processes) -> None:
    before = await pid_of(offload)

    with pytest.raises(Unprocessable) as raised:
        await offload(Kind.MAIL, bytes, 2**32, size=1)

    assert raised.value.reason == "the message takes more than 256 MiB of memory to read"
    assert await pid_of(offload) != before


async def test_a_larger_message_may_take_more_of_both() -> None:
    limits = Limits(in_line=0)

    assert (limits.seconds_for(0), limits.seconds_for(50 * MEBIBYTE)) == (5, 30)
    assert limits.memory_for(50 * MEBIBYTE) == 1056 * MEBIBYTE


async def test_what_crashes_its_process_is_the_messages_own(offload: Processes) -> None:
    with pytest.raises(Unprocessable) as raised:
        await offload(Kind.MAIL, die, signal.SIGSEGV, size=1)

    assert raised.value.reason == "the message ends the process that reads it (SIGSEGV)"


async def test_what_the_machine_may_have_killed_can_be_tried_again(offload: Processes) -> None:
    with pytest.raises(Unavailable) as raised:
        await offload(Kind.MAIL, die, signal.SIGKILL, size=1)

    assert type(raised.value) is Unavailable
    assert raised.value.reason == "two processes that read the message were ended (SIGKILL)"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT])
async def test_a_process_that_somebody_kills_is_replaced_by_another(
    offload: Processes, tmp_path: Path, number: int
) -> None:
    started = tmp_path / "started"
    working = asyncio.create_task(offload(Kind.MAIL, wait_to_be_killed, str(started), size=1))
    await until(started.exists)

    os.kill(int(started.read_text()), number)

    assert await working == "read"


async def test_a_process_that_is_killed_while_it_has_nothing_to_do_is_replaced(
    offload: Processes,
) -> None:
    pid = await pid_of(offload)
    os.kill(pid, signal.SIGKILL)  # and nobody has seen it yet

    assert await pid_of(offload) != pid


async def test_whoever_is_stopped_while_a_process_works_leaves_none(offload: Processes) -> None:
    pid = await pid_of(offload)
    working = asyncio.create_task(offload(Kind.MAIL, spin, None, size=MEBIBYTE))
    waiting = asyncio.create_task(offload(Kind.MAIL, spin, None, size=MEBIBYTE))
    await asyncio.sleep(0)

    working.cancel()
    waiting.cancel()
    await asyncio.wait([working, waiting])
    await offload.aclose()

    assert not is_there(pid)
    assert await pid_of(offload)  # the turns are free


async def test_a_process_ends_with_ours() -> None:
    """As its input does, once it is done with what it has."""
    program = (
        "import asyncio\n"
        "from tests.adapters.test_offload import NOTHING_IN_LINE, Kind, Processes, pid_of\n"
        "async def main():\n"
        "    print(await pid_of(Processes({Kind.MAIL: NOTHING_IN_LINE})), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    ours = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE)
    assert ours.stdout
    pid = int(await ours.stdout.readline())

    ours.kill()
    await ours.wait()

    await until(lambda: not is_there(pid) or is_zombie(pid))


async def test_a_machine_that_is_busy_is_nobodys_fault(offload: Processes) -> None:
    before = await pid_of(offload)
    patient = offload._limits
    offload._limits = {Kind.MAIL: replace(NOTHING_IN_LINE, patience=0)}

    with pytest.raises(Contended, match="the message was not read in time: the machine is busy"):
        await offload(Kind.MAIL, time.sleep, 60, size=1)

    offload._limits = patient
    assert await pid_of(offload) != before


async def test_a_process_that_cannot_be_started_is_our_own_failure(
    offload: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")

    with pytest.raises(StoreUnavailable, match="FileNotFoundError"):
        await pid_of(offload)


async def test_a_process_that_cannot_read_what_it_is_sent_is_our_own_failure(
    offload: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "pack", lambda _: (8).to_bytes(8, "big") + b"nonsense")

    with pytest.raises(StoreUnavailable, match="ended with exit code 1"):
        await pid_of(offload)


async def test_who_is_cancelled_ends_the_work(offload: Processes) -> None:
    before = await pid_of(offload)
    working = asyncio.create_task(offload(Kind.MAIL, time.sleep, 60, size=1))
    await asyncio.sleep(0)

    working.cancel()
    await asyncio.wait([working])

    assert not is_there(before)


async def test_a_flood_of_html_holds_up_no_reading_of_mail(offload: Processes) -> None:
    flood = [asyncio.create_task(offload(Kind.HTML, time.sleep, 60, size=1)) for _ in range(3)]

    async with asyncio.timeout(60):
        await pid_of(offload)

    for each in flood:
        each.cancel()
    await asyncio.wait(flood)


async def test_the_signals_of_a_terminal_are_left_to_us(offload: Processes) -> None:
    pid = await pid_of(offload)

    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)

    assert await pid_of(offload) == pid


async def test_what_a_library_prints_does_not_disturb_the_conversation(offload: Processes) -> None:
    await offload(Kind.MAIL, print, "hello", size=1)

    assert await pid_of(offload)
