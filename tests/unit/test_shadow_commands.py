"""`postroom shadow report` and `shadow release`, over stores in memory."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.application.compare_shadow import CompareShadow
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.release_shadow import ReleaseShadow
from postroom.domain.handover.handover import State
from postroom.domain.handover.shadow import ShadowRow
from postroom.domain.ingress import OPEN
from postroom.entrypoints.cli import app
from postroom.entrypoints.cli.errors import CommandFailed
from tests.contracts.samples import NOON, imap_mailbox

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HEADER = "message_id,mailbox,handled_at,result\n"
FROM = ("--from", "2030-01-01T12:00:00Z")

Run = Callable[..., Result]


def line(name: str, *, mailbox: str = "support@acme.example", result: str = "") -> str:
    return f"<{name}>,{mailbox},2030-01-01T12:02:00Z,{result}\n"


@pytest.fixture
def database() -> InMemoryDatabase:
    return InMemoryDatabase()


@pytest.fixture
def run(database: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run(command, lines, *options)`: with a handover in shadow of each of a@x and b@x."""
    rows, outcomes = InMemoryShadowRows(database), InMemoryOutcomes(database)
    registry, clock = InMemoryMailboxRegistry(database), ManualClock(NOON + DAY)
    ingest = IngestPointer(InMemoryPointerQueue(clock), clock)
    application: Any = SimpleNamespace(
        registry=registry,
        clock=clock,
        compare_shadow=CompareShadow(rows, outcomes),
        release_shadow=ReleaseShadow(rows, outcomes, ingest, OPEN),
    )

    async def prepare() -> None:
        await registry.add(imap_mailbox())
        for key, name in (("k1", "a@x"), ("k2", "b@x")):
            row = ShadowRow(
                application="crm",
                key=key,
                identity=f"rfc5322:{name}",
                received_at=NOON + MINUTE,
                accepted_at=NOON + 2 * MINUTE,
                state=State.SHADOW,
            )
            await rows.put("acme", "support", row)

    asyncio.run(prepare())
    monkeypatch.setattr(
        import_module("postroom.entrypoints.cli.shadow"),  # the package has the group by that name
        "with_core",
        lambda use: asyncio.run(use(application, None)),
    )

    def command(name: str, lines: str, *options: str) -> Result:
        file = tmp_path / "handled.csv"
        file.write_text(HEADER + lines)
        return CliRunner().invoke(app, ["shadow", name, "--handled", str(file), *options])

    return command


def states(database: InMemoryDatabase) -> dict[str, State]:
    rows = database.read("acme").handovers
    return {key: row.handover.state for (_, key), row in sorted(rows.items())}


# --- report ---


def test_a_report_without_a_difference_says_so(run: Run) -> None:
    ended = run("report", line("a@x") + line("b@x"))

    assert ended.exit_code == 0
    assert ended.output == (
        "2030-01-01 12:02:00 to 2030-01-01 12:02:00 UTC: 2 the same, 0 only there, 0 only here,"
        " 0 later here, 0 of another result.\n"
    )


def test_a_report_fails_if_anything_is_only_there(run: Run) -> None:
    ended = run("report", line("a@x") + line("c@x") + line("b@x", result="skipped"))

    assert ended.exit_code == 1
    assert "1 the same, 1 only there, 0 only here, 0 later here, 1 of another" in ended.output
    kinds = [row.split("  ")[0] for row in ended.output.splitlines()[3:]]
    assert kinds == ["only there", "another result"]


def test_what_is_only_here_does_not_fail_it(run: Run) -> None:
    ended = run("report", line("a@x"), "--since", "2030-01-01T11:00:00Z", "--json")

    assert ended.exit_code == 0
    [only_here] = json.loads(ended.output)["only_here"]
    assert only_here == {
        "tenant": "acme",
        "mailbox": "support",
        "message_id": "b@x",
        "accepted_at": "2030-01-01T12:02:00Z",
        "result": "handled",
    }


def test_bad_lines_are_counted_and_named(run: Run) -> None:
    ended = run("report", line("a@x") + "nonsense\n" + line("b@x"), "--json")

    assert json.loads(ended.output)["bad_lines"] == [
        {"line": 3, "why": "it has 1 columns, and the first line 4"}
    ]


def test_mail_of_a_mailbox_that_we_do_not_serve_is_only_there(run: Run) -> None:
    lines = line("a@x") + line("b@x") + line("c@x", mailbox="other@acme.example")

    assert run("report", lines).exit_code == 1
    assert run("report", lines, "--mailbox", "support").exit_code == 0
    assert run("report", lines, "--tenant", "acme").exit_code == 0


def test_an_empty_file_wants_a_time(run: Run) -> None:
    ended = run("report", "")

    assert isinstance(ended.exception, CommandFailed)
    assert "give --since" in str(ended.exception)
    assert run("report", "", "--since", "2030-01-01T12:00:00Z").exit_code == 0


def test_a_mailbox_that_is_not_there_is_refused(run: Run) -> None:
    ended = run("report", line("a@x"), "--mailbox", "sales")

    assert str(ended.exception) == "there is no mailbox sales; see: postroom mailbox list"


# --- release ---


def test_a_release_says_what_has_become_of_each_mailbox(
    run: Run, database: InMemoryDatabase
) -> None:
    ended = run("release", line("a@x") + line("c@x"), *FROM)

    assert ended.exit_code == 0
    header, row = ended.output.splitlines()
    assert header.split() == [
        *("tenant", "mailbox", "before", "listed", "waiting", "noted", "queued", "left"),
    ]
    assert row.split() == ["acme", "support", "0", "1", "1", "1", "0", "0"]
    assert states(database) == {"k1": State.DUPLICATE, "k2": State.WAITING}


def test_a_dry_run_says_so_and_changes_nothing(run: Run, database: InMemoryDatabase) -> None:
    ended = run("release", line("a@x"), *FROM, "--dry-run")

    assert "This was a dry run" in ended.output
    assert set(states(database).values()) == {State.SHADOW}


def test_programs_get_the_same_as_json(run: Run) -> None:
    released = json.loads(run("release", line("a@x"), *FROM, "--json").output)

    assert (released["since"], released["dry_run"]) == ("2030-01-01T12:00:00Z", False)
    [mailbox] = released["mailboxes"]
    assert (mailbox["mailbox"], mailbox["listed"], mailbox["waiting"]) == ("support", 1, 1)


def test_a_list_with_a_bad_line_releases_nothing(run: Run, database: InMemoryDatabase) -> None:
    ended = run("release", line("a@x") + "nonsense\n", *FROM)

    assert str(ended.exception) == (
        "1 line cannot be read: line 3: it has 1 columns, and the first line 4;"
        " nothing was released"
    )
    assert set(states(database).values()) == {State.SHADOW}


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("yesterday", "is no time with its zone"),
        ("2030-01-01T12:00:00", "is no time with its zone"),
        ("2031-01-01T12:00:00Z", "that is still to come"),
    ],
)
def test_a_moment_that_is_none_is_refused(run: Run, moment: str, why: str) -> None:
    ended = run("release", line("a@x"), "--from", moment)

    assert ended.exit_code == 2
    assert why in ended.output


def test_a_change_goes_no_further_back_than_what_is_there(
    run: Run, database: InMemoryDatabase
) -> None:
    ended = run("release", line("a@x"), "--from", "2029-12-01T12:00:00Z")

    assert ended.exit_code == 2
    assert "deleted after 30 days" in ended.output
    assert set(states(database).values()) == {State.SHADOW}


def test_a_report_is_about_what_is_there(run: Run) -> None:
    ended = run("report", line("a@x"), "--since", "2029-01-01T00:00:00Z")

    assert ended.output.startswith("2029-12-03 12:00:00 to ")
