"""The supervisor's rules, on parts that are tasks in this process."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from errno import EAGAIN
from typing import Any

import pytest
from structlog.testing import capture_logs

from postroom.entrypoints.restarting import Backoff
from postroom.entrypoints.settings import WRONG_SETTINGS
from postroom.entrypoints.supervisor import Child, PartFailed, Supervisor
from tests.end_to_end.processes import until

Logs = Sequence[Any]


@dataclass
class InProcess(Child):
    """A part that runs until it is ended; *deaf* is one that does not stop."""

    deaf: bool = False
    ended: asyncio.Future[int] = field(default_factory=asyncio.Future)
    pid: int = 0

    @property
    def returncode(self) -> int | None:
        return self.ended.result() if self.ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)

    def terminate(self) -> None:
        if not self.deaf:
            self.end(0)

    def kill(self) -> None:
        self.end(-signal.SIGKILL)

    def end(self, code: int) -> None:
        self.ended.set_result(code)


@dataclass
class Starts:
    """Starts parts; of each, the first ends by itself with each of the *codes*, in turn."""

    codes: dict[str, list[int]] = field(default_factory=dict)
    refusals: dict[str, list[OSError]] = field(default_factory=dict)
    deaf: bool = False
    count: Counter[str] = field(default_factory=Counter)

    async def __call__(self, part: str) -> Child:
        self.count[part] += 1
        if refusals := self.refusals.get(part):
            raise refusals.pop(0)
        child = InProcess(self.deaf)
        if codes := self.codes.get(part):
            child.end(codes.pop(0))
        return child


def quick() -> Backoff:
    return Backoff(first=0.001, longest=0.004)


@asynccontextmanager
async def running(
    start: Starts, *parts: str, backoff: Callable[[], Backoff] = quick, grace: float = 30
) -> AsyncIterator[tuple[Supervisor, Logs]]:
    supervisor = Supervisor(parts, start, timedelta(seconds=grace), backoff)
    stop = asyncio.Event()
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(stop))
            try:
                yield supervisor, logs
            finally:
                stop.set()


async def test_a_part_that_keeps_dying_waits_longer_each_time_and_never_ends_the_others() -> None:
    start = Starts(codes={"worker": [-signal.SIGSEGV] * 6})
    async with running(start, "api", "worker") as (supervisor, logs):
        await until(lambda: start.count["worker"] == 7, "it is started again")

        assert start.count["api"] == 1
        assert supervisor.children["api"].returncode is None

    assert [(line["event"], line["part"], line["signal"]) for line in logs] == [
        ("part ended", "worker", "SIGSEGV")
    ] * 6
    assert [line["restart_in"] for line in logs] == [0, 0.001, 0.002, 0.004, 0.004, 0.004]


async def test_a_part_that_has_stayed_up_is_started_again_at_once() -> None:
    start = Starts(codes={"worker": [1] * 4})
    async with running(start, "worker", backoff=lambda: Backoff(settled=0)) as (_, logs):
        await until(lambda: start.count["worker"] == 5, "it is started again")

    assert [(line["exit_code"], line["restart_in"]) for line in logs] == [(1, 0)] * 4


async def test_a_part_that_the_system_has_no_room_for_is_started_later() -> None:
    start = Starts(refusals={"worker": [OSError(EAGAIN, "Resource temporarily unavailable")]})
    async with running(start, "api", "worker") as (_, logs):
        await until(lambda: start.count["worker"] == 2, "it is tried again")

    assert [(line["event"], line["reason"]) for line in logs] == [
        ("part not started", "Resource temporarily unavailable")
    ]


async def test_a_part_whose_settings_are_wrong_at_its_first_start_ends_everything() -> None:
    start = Starts(codes={"api": [WRONG_SETTINGS]})
    supervisor = Supervisor(("worker", "api"), start)

    with pytest.raises(PartFailed, match="api cannot run as it is set up"):
        await supervisor.run(asyncio.Event())

    assert start.count == {"worker": 1, "api": 1}
    assert supervisor.children["worker"].returncode == 0


async def test_a_part_whose_settings_have_become_wrong_is_tried_on() -> None:
    start = Starts(codes={"api": [1, WRONG_SETTINGS, WRONG_SETTINGS]})
    async with running(start, "api") as (_, logs):
        await until(lambda: start.count["api"] == 4, "it is started again")

    assert [line["exit_code"] for line in logs] == [1, WRONG_SETTINGS, WRONG_SETTINGS]


async def test_all_parts_are_stopped_together() -> None:
    start = Starts()
    async with running(start, "api", "worker") as (supervisor, logs):
        await until(lambda: len(supervisor.children) == 2, "both have started")

    assert [child.returncode for child in supervisor.children.values()] == [0, 0]
    assert logs == []


async def test_a_part_that_waits_to_be_started_again_is_not_when_everything_stops() -> None:
    start = Starts(codes={"worker": [1, 1]})
    async with running(start, "worker", backoff=lambda: Backoff(first=3600)) as (_, logs):
        await until(lambda: len(logs) == 2, "it has ended twice")

    assert start.count["worker"] == 2


async def test_a_part_that_does_not_stop_in_time_is_killed() -> None:
    async with running(Starts(deaf=True), "worker", grace=0.01) as (supervisor, _):
        await until(lambda: supervisor.children, "it has started")

    assert supervisor.children["worker"].returncode == -signal.SIGKILL
