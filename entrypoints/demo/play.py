"""Plays the scenes one after the other, tells what happens, and ends with a table."""

import asyncio
import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from rich.console import Console

from postroom.entrypoints.cli.outcomes import detail_of
from postroom.entrypoints.cli.output import Row, print_table
from postroom.entrypoints.demo.desk import desk_at, play_to
from postroom.entrypoints.demo.scene import ANY, Scene
from postroom.entrypoints.demo.scenes import SCENES
from postroom.entrypoints.demo.stage import TENANT, Stage, open_stage
from postroom.entrypoints.engines import engines, ready
from postroom.entrypoints.settings import NotReady, Settings, load_settings
from postroom.entrypoints.telemetry.logging import configure_logging
from postroom.entrypoints.views.outcomes import OutcomeView, outcome_view

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Played:
    """A scene and how it ended; no *outcome* if nothing came of it."""

    scene: Scene
    outcome: OutcomeView | None

    @property
    def ended(self) -> str:
        if self.outcome is None:
            return "nothing"
        detail = detail_of(self.outcome)
        return f"{self.outcome.outcome}{': ' if detail else ''}{detail}"

    @property
    def as_expected(self) -> bool:
        if self.outcome is None:
            return self.scene.expected == "refused"
        name, _, word = self.scene.expected.partition(": ")
        return (
            self.outcome.outcome == name
            and word in detail_of(self.outcome)
            and self.scene.attempts in (ANY, self.outcome.attempt)
        )


def run_demo(to: str = "") -> bool:
    """Whether every scene ended as expected; or, if it is played *to* the program at that URL,
    whether that has taken every message. Raises NotReady, InvalidApplication.
    """
    if to:
        desk_at(to)  # before anything is started
    home = load_settings().home / "demo"
    settings = Settings(home=home, redis_url="", database_url="", secret_keys=())
    with _to_ourselves(settings):
        console.print("Starting Valkey and PostgreSQL, the API, a worker and the listener …")
        with ready(settings) as running, (home / "postroom.log").open("wb") as log:
            configure_logging("json", stream=TextIOWrapper(log, write_through=True))
            if to:
                return asyncio.run(play_to(to, running, log))
            played = asyncio.run(_play(running, log))
    _report(played, home)
    return all(scene.as_expected for scene in played)


@contextmanager
def _to_ourselves(settings: Settings) -> Iterator[None]:
    """An empty home, which no other demo uses meanwhile."""
    home = settings.home
    home.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    with home.with_name("demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady(f"another demo is running in {home}; wait for it to end") from None
        if home.exists():
            with engines(settings):
                """Those that a killed demo left behind are adopted here, and stopped."""
            shutil.rmtree(home)
        yield


async def _play(settings: Settings, log: IO[bytes]) -> Sequence[Played]:
    async with open_stage(settings, log) as stage:
        console.print(f"Postroom answers at {stage.url}. Now for some mail.\n")
        return [await _play_scene(stage, number, scene) for number, scene in enumerate(SCENES, 1)]


async def _play_scene(stage: Stage, number: int, scene: Scene) -> Played:
    console.print(
        f"[bold]{number:2}. {scene.provider}: {scene.message}[/]\n    {scene.words}", soft_wrap=True
    )
    started = stage.clock.now()
    outcome = None
    with suppress(TimeoutError):
        if awaited := await scene.play(stage):
            record = await stage.outcome(awaited.since or started, awaited.message, awaited.job_id)
            outcome = outcome_view(record)
    played = Played(scene, outcome)
    mark = "[green]as expected[/]" if played.as_expected else "[red]NOT as expected[/]"
    console.print(f"    → {played.ended} ({mark})\n", soft_wrap=True)
    return played


def _report(played: Sequence[Played], home: Path) -> None:
    print_table([_row(each) for each in played], prose=("message",))
    good = sum(each.as_expected for each in played)
    console.print(f"\n{good} of {len(played)} ended as expected.\n")
    console.print(
        "Look further (the engines start again by themselves):\n"
        f"  export POSTROOM_HOME={home}\n"
        f"  ./postroom tickets list --tenant {TENANT}\n"
        f"  ./postroom tickets show 1 --tenant {TENANT}\n"
        f"  ./postroom outcomes --tenant {TENANT}\n"
        "  ./postroom dead list\n"
        f"  less {home}/postroom.log    one line of JSON for each fact",
        soft_wrap=True,
        markup=False,
    )


def _row(played: Played) -> Row:
    outcome = played.outcome
    return {
        "": "✓" if played.as_expected else "✗",
        "message": played.scene.message,
        "provider": played.scene.provider,
        "transport": played.scene.transport,
        "attempts": outcome.attempt if outcome else 0,
        "outcome": outcome.outcome if outcome else "refused",
        "ticket": detail_of(outcome) if outcome and outcome.effect else "",
    }
