"""`postroom replay`, over stores in memory."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.domain.handover.application import Application, Mode
from postroom.domain.handover.handover import KEY_GOOD_FOR, State
from postroom.entrypoints.cli import app
from postroom.entrypoints.cli.errors import CommandFailed
from tests.contracts.handing_over import CRM
from tests.contracts.samples import imap_mailbox
from tests.unit.replay_rig import Hub

Run = Callable[..., Result]


class Desk:
    """Two messages that the application has taken."""

    def __init__(self, hub: Hub, clock: ManualClock) -> None:
        self.hub = hub
        self.applications = InMemoryApplications(InMemoryDatabase())
        self.application: Any = SimpleNamespace(
            clock=clock, replay=hub.replay, applications=self.applications
        )

    async def prepare(self) -> None:
        await self.applications.add(CRM)
        await self.hub.registry.add(imap_mailbox())
        await self.hub.handed_over("a", "b")

    async def change(self, after: Application) -> None:
        assert await self.applications.replace(CRM, after)

    def states(self) -> list[State]:
        return [asyncio.run(self.hub.state_of(key)) for key in "ab"]


@pytest.fixture
def desk(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(Hub(clock), clock)
    asyncio.run(desk.prepare())
    monkeypatch.setattr(
        import_module("postroom.entrypoints.cli.replay"),
        "with_core",
        lambda use: asyncio.run(use(desk.application, None)),
    )
    return desk


def run(*options: str, typed: str = "") -> Result:
    given = ["replay", "--application", "crm", "--since", "50d", *options]
    return CliRunner().invoke(app, given, input=typed)


def test_all_that_has_ended_is_called_with_again(desk: Desk) -> None:
    ended = run()

    assert ended.exit_code == 0
    assert ended.stdout == "2 messages are replayed: `postroom handover list` has them.\n"
    assert desk.states() == [State.WAITING, State.WAITING]


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    assert run("--dry-run").stdout == (
        "2 messages are meant. This was a dry run: nothing was changed.\n"
    )
    counts = json.loads(run("--dry-run", "--json").stdout)

    assert counts == {"matched": 2, "done": 0, "left": {}, "forgotten": 0, "dry_run": True}
    assert desk.states() == [State.DONE, State.DONE]


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_as_new_a_person_is_asked(desk: Desk, typed: str) -> None:
    ended = run("--as-new", typed=typed)

    assert "2 messages have a second effect" in ended.stderr
    assert isinstance(ended.exception, CommandFailed)
    assert asyncio.run(desk.hub.records.get("a_r1")) is None


def test_as_new_they_have_other_keys(desk: Desk) -> None:
    ended = run("--as-new", typed="y\n")

    assert ended.exit_code == 0
    assert asyncio.run(desk.hub.state_of("a_r1")) is State.WAITING
    assert desk.states() == [State.DONE, State.DONE]


def test_a_person_is_asked_where_the_key_may_be_forgotten(desk: Desk, clock: ManualClock) -> None:
    clock.advance(KEY_GOOD_FOR)

    assert "may have forgotten" in run(typed="n\n").stderr
    assert run("--yes").exit_code == 0


def test_what_is_older_than_until_is_meant(desk: Desk) -> None:
    assert run("--until", "1h").stdout == (
        "No handover matches. What there is: postroom handover list\n"
    )


@pytest.mark.parametrize(
    ("state", "hint"), [("waiting", "called with anyhow"), ("shadow", "postroom shadow release")]
)
def test_what_has_not_ended_is_not_replayed(desk: Desk, state: str, hint: str) -> None:
    ended = run("--state", state)

    assert ended.exit_code == 2
    assert hint in " ".join(ended.stderr.split())


def test_one_that_takes_no_calls_is_named(desk: Desk) -> None:
    asyncio.run(desk.change(replace(CRM, mode=Mode.OFF)))

    assert "in mode off" in str(run().exception)
    assert desk.states() == [State.DONE, State.DONE]


def test_what_could_not_be_replayed_is_said_in_one_line(desk: Desk) -> None:
    asyncio.run(desk.hub.registry.remove("acme", "support"))

    ended = run("--as-new", "--yes")

    assert str(ended.exception) == "not replayed: 2: its mailbox was removed"
