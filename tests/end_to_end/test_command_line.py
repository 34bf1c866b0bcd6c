"""What can be seen of a mailbox's mail from the command line."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from postroom.domain.pointer import PointerJob, job_id
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import EMPTY, Postroom, in_container
from tests.end_to_end.crash_rig import MAILBOX, POINTER

DEAD_JOB = job_id(MAILBOX.tenant, MAILBOX.id, EMPTY)
A_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ORDER = "rfc5322:order@acme.example"


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def is_iso(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo == UTC


# --- The command itself


@pytest.mark.parametrize(
    "command",
    [
        "up", "api", "worker", "listener", "migrate", "demo", "queue", "outcomes",
        "mailbox add imap", "mailbox add microsoft", "mailbox add google", "mailbox reconnect imap",
        "mailbox reconnect microsoft", "mailbox reconnect google", "mailbox list", "mailbox show",
        "dead list", "dead show", "dead redrive", "dead purge",
        "tickets list", "tickets show",
        "application add", "application set", "application list", "application show",
        "application route", "application test", "application rotate", "application pause",
        "application resume", "application remove", "handover list", "handover show",
        "handover redrive", "handover skip", "handover done", "handover table",
    ],
)  # fmt: skip
def test_every_command_has_help(postroom: Postroom, command: str) -> None:
    ended = postroom(*command.split(), "--help")

    assert (ended.code, ended.err) == (0, "")
    assert f"Usage: postroom {command}" in ended.out


def test_the_version_is_that_of_the_distribution(postroom: Postroom) -> None:
    assert postroom("--version").out == f"postroom {version('postroom')}\n"


@pytest.mark.parametrize(
    "arguments",
    [["sing"], ["queue", "--loud"], ["tickets", "show", "one"], ["outcomes", "--limit", "0"]],
)
def test_wrong_usage_has_an_exit_code_of_its_own(postroom: Postroom, arguments: list[str]) -> None:
    ended = postroom(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err


def test_migrating_twice_is_safe(postroom: Postroom) -> None:
    ended = postroom("migrate")

    assert (ended.code, ended.out) == (0, "The database is up to date.\n")


def fill(lanes: Sequence[str]) -> Callable[[Wired], Awaitable[None]]:
    """A job in each lane, the first of which is paused."""

    async def run(wired: Wired) -> None:
        queue = wired.queue
        places = [lane.split("/") for lane in lanes]
        await queue.enqueue(
            [
                PointerJob(
                    id=f"{tenant}-{mailbox}",
                    tenant=tenant,
                    mailbox=mailbox,
                    pointer=EMPTY,
                    enqueued_at=datetime(2020, 1, 1, tzinfo=UTC),
                )
                for tenant, mailbox in places
            ]
        )
        tenant, mailbox = places[0]
        await queue.pause(tenant, mailbox, "revoked")

    return run


# --- With nothing there


@pytest.mark.parametrize(
    ("command", "next_step"),
    [
        ("outcomes", "postroom queue"),
        ("tickets list", "postroom outcomes"),
        ("mailbox list", "postroom mailbox add"),
    ],
)
def test_with_nothing_to_show_a_command_says_what_to_do_next(
    postroom: Postroom, command: str, next_step: str
) -> None:
    told, parsed = postroom(*command.split()), postroom(*command.split(), "--json")

    assert (told.code, parsed.code) == (0, 0)
    assert next_step in told.out
    assert len(told.out.splitlines()) == 1
    assert parsed.json == []


@pytest.mark.parametrize(
    ("command", "next_step"), [("queue", "postroom outcomes"), ("dead list", "postroom queue")]
)
def test_an_empty_queue_says_what_to_do_next(
    postroom: Postroom, command: str, next_step: str
) -> None:
    told = postroom(*command.split())

    assert told.code == 0
    assert next_step in told.out
    assert len(told.out.splitlines()) == 1


# --- The queue


def test_the_queue_shows_each_mailbox_in_numbers(postroom: Postroom, some_mail: None) -> None:
    header, lane = postroom("queue").out.splitlines()

    assert cells(header) == [
        "tenant", "mailbox", "ready", "delayed", "in flight", "dead", "oldest",
    ]  # fmt: skip
    assert cells(lane) == ["acme", "support", "0", "0", "0", "1", "0 s"]


def test_the_queue_can_be_read_by_programs(postroom: Postroom, some_mail: None) -> None:
    queue = postroom("queue", "--tenant", "acme", "--json").json
    other = postroom("queue", "--tenant", "other", "--json").json

    [lane] = queue["lanes"]
    assert (lane["tenant"], lane["mailbox"], lane["paused"]) == ("acme", "support", "")
    numbers = {"ready": 0, "delayed": 0, "in_flight": 0, "dead": 1, "oldest_seconds": 0}
    assert {name: lane[name] for name in numbers} == numbers
    assert queue["totals"] == {"mailboxes": 1, "paused": 0, **numbers}
    assert queue["tenants"] == [{"tenant": "acme", **queue["totals"]}]
    assert (other["totals"]["mailboxes"], other["tenants"], other["lanes"]) == (0, [], [])


def test_several_mailboxes_are_summed_up(postroom: Postroom, environment: None) -> None:
    in_container(fill(["acme/a", "acme/b", "globex/a"]))

    header, *lanes, blank, summary = postroom("queue").out.splitlines()

    assert cells(header)[-2:] == ["paused", "paused until"]
    assert [cells(lane)[:2] for lane in lanes] == [["acme", "a"], ["acme", "b"], ["globex", "a"]]
    assert cells(lanes[0])[7] == "revoked"
    assert blank == ""
    expected = (
        "In all: 3 ready, 0 delayed, 0 in flight, 0 dead, in 3 mailboxes of 2 tenants, 1 paused;"
    )
    assert summary.startswith(expected)


def test_of_many_mailboxes_the_tenants_are_shown(postroom: Postroom, environment: None) -> None:
    in_container(fill([f"{tenant}/m{n:02}" for tenant in ("acme", "globex") for n in range(15)]))

    header, *tenants, _, summary, hint = postroom("queue").out.splitlines()
    all_lanes = postroom("queue", "--lanes").out.splitlines()
    of_one_tenant = postroom("queue", "--tenant", "acme").out.splitlines()

    assert cells(header)[:4] == ["tenant", "mailboxes", "paused", "ready"]
    assert [cells(line)[:4] for line in tenants] == [
        ["acme", "15", "1", "15"],
        ["globex", "15", "0", "15"],
    ]
    assert "in 30 mailboxes of 2 tenants" in summary
    assert hint == "Each mailbox: postroom queue --lanes"
    assert len(all_lanes) == 1 + 30 + 2
    assert len(of_one_tenant) == 1 + 15 + 2
    assert "15 mailboxes of 1 tenant," in of_one_tenant[-1]


# --- Outcomes


def test_outcomes_fit_a_terminal_and_break_no_id(postroom: Postroom, some_mail: None) -> None:
    header, *lines = postroom("outcomes", "--tenant", "acme").out.splitlines()

    assert cells(header) == ["at (UTC)", "mailbox", "outcome", "detail", "attempt", "identity"]
    [completed] = [line for line in lines if "completed" in line]
    at, *rest = cells(completed)
    assert A_TIME.fullmatch(at)
    assert rest == ["support", "completed", "ticket 1", "1", ORDER]
    assert not any(line.endswith(" ") for line in lines)


def test_outcomes_for_programs_have_every_field(postroom: Postroom, some_mail: None) -> None:
    outcomes = postroom("outcomes", "--tenant", "acme", "--json").json

    dead, skipped, completed = outcomes
    assert is_iso(completed.pop("at"))
    job = completed.pop("job")
    assert completed == {
        "outcome": "completed",
        "effect": "ticket",
        "detail": "1",
        "attempt": 1,
        "identity": ORDER,
    }
    assert job["id"] == job_id(MAILBOX.tenant, MAILBOX.id, POINTER)
    assert (job["mailbox"], job["provider"]) == ("support", "microsoft")
    assert skipped["detail"].startswith("source unavailable")
    assert (dead["outcome"], dead["detail"]) == ("dead", "the message is empty")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--identity", ORDER], ["completed"]),
        (["--job", DEAD_JOB], ["dead"]),
        (["--mailbox", "sales"], []),
        (["--limit", "1"], ["dead"]),
        (["--tenant", "other"], []),
    ],
)
def test_outcomes_can_be_looked_up(
    postroom: Postroom, some_mail: None, options: list[str], found: list[str]
) -> None:
    outcomes = postroom("outcomes", "--tenant", "acme", *options, "--json").json

    assert [outcome["outcome"] for outcome in outcomes] == found


# --- Tickets


def test_tickets_are_listed(postroom: Postroom, some_mail: None) -> None:
    header, line = postroom("tickets", "list", "--tenant", "acme").out.splitlines()
    [ticket] = postroom("tickets", "list", "--tenant", "acme", "--json").json

    assert cells(header) == [
        "number", "opened (UTC)", "mailbox", "requester", "comments", "subject",
    ]  # fmt: skip
    number, opened, *rest = cells(line)
    assert A_TIME.fullmatch(opened)
    assert (number, rest) == ("1", ["support", "ada@example.com", "1", "Our order"])
    assert is_iso(ticket["opened_at"])
    assert ticket["documents"] == 2


def test_a_ticket_can_be_read(postroom: Postroom, some_mail: None) -> None:
    told = postroom("tickets", "show", "1", "--tenant", "acme").out
    parsed = postroom("tickets", "show", "1", "--tenant", "acme", "--json").json

    assert told.startswith("Ticket 1 in support: Our order\n\nada@example.com, ")
    assert "\n  As agreed.\n  + drawing.txt (" in told
    assert "\n  + order.csv (" in told
    assert "\n  the original: /api/v1/tickets/1/documents/" in told
    assert (parsed["number"], parsed["mailbox"], parsed["subject"]) == (1, "support", "Our order")
    [comment] = parsed["comments"]
    assert comment["identity"] == ORDER
    assert comment["text"].strip() == "As agreed."
    assert {document["filename"] for document in comment["documents"]} == {
        "drawing.txt",
        "order.csv",
    }


def test_a_ticket_that_is_not_there_is_told(postroom: Postroom) -> None:
    failure = postroom("tickets", "show", "7").failure

    assert failure == "the tenant default has no ticket 7; see: postroom tickets list"
