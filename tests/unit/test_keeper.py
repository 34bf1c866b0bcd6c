"""What keeps an engine running, on an engine that does as a test says."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from postroom.adapters.embedded import EmbeddedServer, EngineError
from postroom.entrypoints.engines.keeper import Keeper
from postroom.entrypoints.restarting import Backoff
from postroom.entrypoints.tasks import cancel
from tests.end_to_end.processes import until

AT_ONCE, NEVER = timedelta(0), timedelta(days=1)
OFTEN = timedelta(milliseconds=5)


class Engine(EmbeddedServer):
    """It is well until a test says otherwise."""

    name: ClassVar[str] = "engine"
    url = ""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.is_alive = self.is_well = True
        self.checks = self.starts = 0
        self.code: int | None = 1
        self.disk = ""
        self.refusals: list[Exception] = []
        self.broken: Exception | None = None

    def answers(self) -> bool:
        self.checks += 1
        if self.broken:
            raise self.broken
        return self.is_alive and self.is_well

    def lives(self) -> bool:
        return self.is_alive

    def returncode(self) -> int | None:
        return self.code

    def disk_complaint(self, since: int = 0) -> str:  # noqa: ARG002
        return self.disk

    def start_again(self) -> None:
        self.starts += 1
        if self.refusals:
            raise self.refusals.pop(0)
        self.is_alive = True

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _pid(self) -> int:
        raise NotImplementedError


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


Told = list[dict[str, object]]


@asynccontextmanager
async def watched(engine: Engine, patience: timedelta = NEVER) -> AsyncIterator[Told]:
    """The engine, seen to be well, and what is logged from then on."""
    keeper = Keeper(engine, OFTEN, patience, Backoff(first=0.001, longest=0.002))
    with capture_logs() as logs:
        running = asyncio.create_task(keeper.run())
        try:
            await checked(engine)
            yield logs  # type: ignore[misc]  # of MutableMappings
        finally:
            await cancel([running])


async def checked(engine: Engine) -> None:
    """Return when it has been checked after this moment."""
    before = engine.checks
    await until(lambda: engine.checks > before + 1, "it is checked")


def logged(logs: Told, event: str) -> Callable[[], int]:
    return lambda: [line["event"] for line in logs].count(event)


async def test_an_engine_that_is_well_is_left_alone(engine: Engine) -> None:
    async with watched(engine) as logs:
        await checked(engine)

    assert (engine.starts, logs) == (0, [])


async def test_an_engine_that_has_ended_is_started_again_and_both_is_logged(
    engine: Engine,
) -> None:
    async with watched(engine) as logs:
        engine.code = -9
        engine.is_alive = False
        await until(logged(logs, "engine started again"), "it is started again")

    ended, again = logs
    assert ended == {
        "event": "engine ended",
        "log_level": "error",
        "engine": "engine",
        "signal": "SIGKILL",
        "log": str(engine.log),
        "restart_in": 0,
    }
    assert (again["engine"], again["log_level"], engine.starts) == ("engine", "info", 1)
    assert isinstance(again["seconds"], float)


async def test_a_full_disk_is_named_in_the_line_that_says_that_it_ended(engine: Engine) -> None:
    async with watched(engine) as logs:
        engine.disk = "No space left on device (0.0 MiB are free)"
        engine.is_alive = False
        await until(logged(logs, "engine started again"), "it is started again")

    assert (logs[0]["event"], logs[0]["exit_code"]) == ("engine ended", 1)
    assert logs[0]["reason"] == "No space left on device (0.0 MiB are free)"


async def test_an_engine_that_does_not_stay_up_is_started_again_for_ever_after_longer_waits(
    engine: Engine,
) -> None:
    async with watched(engine) as logs:
        for _ in range(5):
            engine.is_alive = False
            await until(lambda: engine.is_alive, "it is started again")

    waits = [line["restart_in"] for line in logs if line["event"] == "engine ended"]
    assert waits == [0, 0.001, 0.002, 0.002, 0.002]


async def test_an_engine_that_cannot_be_started_is_tried_on(engine: Engine) -> None:
    async with watched(engine) as logs:
        engine.refusals = [EngineError("it is gone"), OSError(28, "No space left on device")]
        engine.is_alive = False
        await until(logged(logs, "engine started again"), "it is started again")

    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("engine ended", None),
        ("engine not started", "it is gone"),
        ("engine not started", "[Errno 28] No space left on device"),
        ("engine started again", None),
    ]


async def test_an_engine_that_hangs_is_named_once_and_left_alone(engine: Engine) -> None:
    async with watched(engine, patience=AT_ONCE) as logs:
        engine.is_well = False
        await until(logged(logs, "engine does not answer"), "it is named")
        await checked(engine)
        engine.is_well = True
        await until(logged(logs, "engine answers again"), "it answers")

    assert [line["event"] for line in logs] == ["engine does not answer", "engine answers again"]
    assert (logs[0]["reason"], engine.starts) == ("its process lives", 0)


async def test_an_engine_that_misses_a_check_is_not_named(engine: Engine) -> None:
    async with watched(engine) as logs:
        engine.is_well = False
        await checked(engine)
        engine.is_well = True
        await checked(engine)

    assert logs == []


async def test_an_engine_whose_home_is_gone_is_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lives() -> bool:
        raise FileNotFoundError(2, "No such file or directory", "/srv/.server")

    async with watched(engine, patience=AT_ONCE) as logs:
        monkeypatch.setattr(engine, "lives", lives)
        engine.is_well = False
        await until(logged(logs, "engine does not answer"), "it is named")

    assert logs[0]["reason"] == "/srv/.server: No such file or directory"


async def test_a_bug_in_a_check_does_not_end_the_watch(engine: Engine) -> None:
    async with watched(engine) as logs:
        engine.broken = ZeroDivisionError()
        await until(logged(logs, "engine check crashed"), "it is logged")
        engine.broken = None
        engine.is_alive = False
        await until(logged(logs, "engine started again"), "it is started again")

    assert logs[0]["error"] == "ZeroDivisionError"
