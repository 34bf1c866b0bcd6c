"""Dead letters at the command line: look, show, drive again, purge."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest
from redis import Redis

from postroom.adapters.imap.pointer import ImapPointer
from postroom.domain.pointer import Pointer, PointerJob, job_id
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import EMPTY, Postroom, in_container
from tests.end_to_end.crash_rig import LEASE, MAILBOX

DEAD_JOB = job_id(MAILBOX.tenant, MAILBOX.id, EMPTY)
A_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
AT = datetime(2030, 1, 1, tzinfo=UTC)
IN_INBOX = ImapPointer("INBOX", uid=7, uid_validity=1)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def is_iso(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo == UTC


def bury(*names: str, tenant: str, reason: str, pointer: Pointer = IN_INBOX) -> None:
    """Set jobs aside, the last one last."""

    async def run(wired: Wired) -> None:
        queue = wired.queue
        for name in names:
            job = PointerJob(
                id=name, tenant=tenant, mailbox="support", pointer=pointer, enqueued_at=AT
            )
            await queue.enqueue([job])
            [claim] = await queue.claim(1, LEASE)
            await queue.bury(claim, reason)

    in_container(run)


@pytest.fixture
def five_letters(environment: None) -> None:
    """Of acme `a1`, `a2` and `a3`, and then of globex `g1` and `g2`."""
    bury(
        "a1", "a2", "a3", tenant="acme", reason="gave up after 5 attempts: HTTP 503", pointer=EMPTY
    )
    bury("g1", "g2", tenant="globex", reason="the message is empty")


def dead(postroom: Postroom, *options: str) -> list[str]:
    """The ids of the dead letters."""
    return [letter["id"] for letter in postroom("dead", "list", *options, "--json").json["letters"]]


def ready(postroom: Postroom) -> int:
    """How many jobs are ready."""
    count: int = postroom("queue", "--json").json["totals"]["ready"]
    return count


# --- List


def test_dead_letters_are_listed_with_an_id_to_copy(postroom: Postroom, some_mail: None) -> None:
    header, line, *_ = postroom("dead", "list", "--tenant", "acme").out.splitlines()
    page = postroom("dead", "list", "--json").json

    assert cells(header) == ["id", "mailbox", "what", "died (UTC)", "reason"]
    job, mailbox, what, died, _ = cells(line)
    assert (job, mailbox, what) == (DEAD_JOB, "support", "pointer")
    assert A_TIME.fullmatch(died)
    [letter] = page["letters"]
    assert is_iso(letter["died_at"])
    assert (letter["id"], letter["tenant"], letter["mailbox"]) == (DEAD_JOB, "acme", "support")
    assert letter["job"]["provider"] == "microsoft"
    assert letter["attempts"] == 1
    assert letter["reasons"][-1]["reason"] == "the message is empty"
    assert page["next"] == ""


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["g2", "g1", "a3", "a2", "a1"]),
        (["--tenant", "acme"], ["a3", "a2", "a1"]),
        (["--mailbox", "sales"], []),
        (["--provider", "imap"], ["g2", "g1"]),
        (["--reason", "http 503"], ["a3", "a2", "a1"]),
        (["--newer-than", "1h"], ["g2", "g1", "a3", "a2", "a1"]),
        (["--older-than", "15m"], []),
        (["--older-than", "0s", "--newer-than", "1d12h"], ["g2", "g1", "a3", "a2", "a1"]),
        (["--tenant", "acme", "--provider", "imap"], []),
        (["--limit", "2"], ["g2", "g1"]),
    ],
)
def test_dead_letters_can_be_looked_up(
    postroom: Postroom, five_letters: None, options: list[str], found: list[str]
) -> None:
    assert dead(postroom, *options) == found


def test_a_list_that_was_cut_goes_on_where_it_ended(postroom: Postroom, five_letters: None) -> None:
    first = postroom("dead", "list", "--limit", "3")
    cursor = re.search(r"--after (\S+)", first.err)

    assert cursor
    assert [cells(line)[0] for line in first.out.splitlines()[1:] if line[0] != " "] == [
        *("g2", "g1", "a3"),
    ]
    rest = postroom("dead", "list", "--limit", "3", "--after", cursor.group(1))
    assert [cells(line)[0] for line in rest.out.splitlines()[1:] if line[0] != " "] == ["a2", "a1"]
    assert rest.err == ""
    assert postroom("dead", "list", "--limit", "3", "--json").json["next"] == cursor.group(1)


def test_the_list_looks_behind_many_letters_that_do_not_match(
    postroom: Postroom, environment: None
) -> None:
    bury("wanted", tenant="globex", reason="broken")
    bury(*(f"a{n}" for n in range(250)), tenant="acme", reason="broken")

    assert dead(postroom, "--tenant", "globex") == ["wanted"]


@pytest.mark.parametrize(
    "options",
    [
        ["--after", "x"],
        ["--older-than", "soon"],
        ["--older-than", ""],
        ["--newer-than", "3w"],
        ["--newer-than", "1h2d"],
        ["--provider", "pigeon"],
        ["--limit", "0"],
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_wrong_usage(
    postroom: Postroom, options: list[str]
) -> None:
    ended = postroom("dead", "list", *options)

    assert (ended.code, ended.out) == (2, "")
    assert options[0] in ended.err


# --- Show


def test_a_dead_letter_tells_its_story_and_what_to_run_next(
    postroom: Postroom, some_mail: None
) -> None:
    told = postroom("dead", "show", DEAD_JOB).out

    assert told.startswith(f"Job {DEAD_JOB} of acme/support\ndied at ")
    assert "after 1 attempt\n" in told
    assert re.search(r"message id +empty\n", told)
    assert re.search(rf"  {A_TIME.pattern}  the message is empty\n", told)
    assert f"postroom dead redrive {DEAD_JOB}\n" in told
    assert f"postroom dead purge {DEAD_JOB}\n" in told


def test_a_dead_letter_can_be_read_by_programs(postroom: Postroom, some_mail: None) -> None:
    letter = postroom("dead", "show", DEAD_JOB, "--json").json

    assert letter["job"]["pointer"]["message_id"] == "empty"
    assert letter["job"]["provider"] == "microsoft"
    [reason] = letter["reasons"]
    assert reason["reason"] == "the message is empty"
    assert is_iso(reason["at"])
    assert is_iso(letter["job"]["enqueued_at"])


def test_a_letter_that_is_not_there_is_not_shown(postroom: Postroom) -> None:
    failure = postroom("dead", "show", "x").failure

    assert failure == "no dead letter has the id x; see: postroom dead list"


# --- Drive again


def test_a_dead_letter_is_driven_again_once(postroom: Postroom, some_mail: None) -> None:
    driven = postroom("dead", "redrive", DEAD_JOB)
    again = postroom("dead", "redrive", DEAD_JOB)

    assert (driven.code, driven.out) == (0, "1 dead letter is queued again.\n")
    assert again.failure == f"no dead letter has the id {DEAD_JOB}; see: postroom dead list"
    assert ready(postroom) == 1
    assert dead(postroom) == []


def test_those_of_several_ids_that_there_are_are_driven_again(
    postroom: Postroom, five_letters: None
) -> None:
    ended = postroom("dead", "redrive", "a1", "x", "g2")

    assert ended.code == 1
    assert ended.out == "2 dead letters are queued again.\n"
    assert ended.err == "postroom: no dead letter has the id x; see: postroom dead list\n"
    assert dead(postroom) == ["g1", "a3", "a2"]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--tenant", "acme"], ["g2", "g1"]),
        (["--provider", "imap"], ["a3", "a2", "a1"]),
        (["--reason", "EMPTY", "--newer-than", "1h"], ["a3", "a2", "a1"]),
        (["--older-than", "1h"], ["g2", "g1", "a3", "a2", "a1"]),
        (["--all"], []),
        (["--all", "--rate", "1000"], []),
    ],
)
def test_what_is_chosen_is_driven_again_and_nothing_else(
    postroom: Postroom, five_letters: None, options: list[str], left: list[str]
) -> None:
    ended = postroom("dead", "redrive", *options, "--json")

    assert ended.code == 0
    moved = 5 - len(left)
    assert ended.json == {
        "matched": moved,
        "done": moved,
        "unknown": [],
        "orphaned": 0,
        "dry_run": False,
    }
    assert dead(postroom) == left
    assert ready(postroom) == moved


def test_where_nothing_matches_nothing_is_driven_again(
    postroom: Postroom, five_letters: None
) -> None:
    ended = postroom("dead", "redrive", "--tenant", "initech")

    told = "No dead letters match. What there is: postroom dead list\n"
    assert (ended.code, ended.out) == (0, told)


@pytest.mark.parametrize("command", ["redrive", "purge"])
@pytest.mark.parametrize(
    "options", [[], ["--all", "--tenant", "acme"], ["a1", "--tenant", "acme"], ["a1", "--all"]]
)
def test_which_letters_are_meant_is_never_guessed(
    postroom: Postroom, five_letters: None, command: str, options: list[str]
) -> None:
    ended = postroom("dead", command, *options)

    assert (ended.code, ended.out) == (2, "")
    assert "--all" in ended.err
    assert len(dead(postroom)) == 5


# --- A dry run


@pytest.mark.parametrize("command", ["redrive", "purge"])
def test_a_dry_run_tells_what_is_meant_and_changes_nothing(
    postroom: Postroom, five_letters: None, command: str
) -> None:
    told = postroom("dead", command, "--tenant", "acme", "--dry-run")
    parsed = postroom("dead", command, "a1", "x", "--dry-run", "--json")

    first, header, *lines = told.out.splitlines()
    assert first.startswith("3 dead letters are meant.")
    assert cells(header)[0] == "id"
    assert [cells(line)[0] for line in lines if line[0] == "a"] == ["a3", "a2", "a1"]
    assert parsed.code == 1
    assert (parsed.json["matched"], parsed.json["done"], parsed.json["dry_run"]) == (1, 0, True)
    assert parsed.json["unknown"] == ["x"]
    assert [letter["id"] for letter in parsed.json["first"]] == ["a1"]
    assert len(dead(postroom)) == 5


def test_a_dry_run_shows_the_first_of_many(postroom: Postroom, environment: None) -> None:
    bury(*(f"a{n}" for n in range(13)), tenant="acme", reason="broken")

    told = postroom("dead", "redrive", "--all", "--dry-run").out

    assert told.startswith("13 dead letters are meant.")
    assert told.endswith("… and 3 more.\n")


def test_a_dry_run_that_matches_nothing_says_so(postroom: Postroom) -> None:
    told = postroom("dead", "redrive", "--all", "--dry-run").out

    assert told == "No dead letters match. What there is: postroom dead list\n"


# --- Purge


@pytest.mark.parametrize("answer", ["n\n", "\n", "yesterday\n", ""])
def test_nothing_is_purged_without_a_yes(
    postroom: Postroom, five_letters: None, answer: str
) -> None:
    ended = postroom("dead", "purge", "--tenant", "acme", stdin=answer)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "Forget 3 dead letters for good? [y/N] "
        "postroom: nothing was purged; to purge without being asked, add --yes\n"
    )
    assert len(dead(postroom)) == 5


@pytest.mark.parametrize(("options", "stdin"), [([], "y\n"), ([], "Yes\n"), (["--yes"], "")])
def test_what_is_purged_is_gone(
    postroom: Postroom, five_letters: None, options: list[str], stdin: str
) -> None:
    ended = postroom("dead", "purge", "--tenant", "acme", *options, stdin=stdin)

    assert (ended.code, ended.out) == (0, "3 dead letters are purged.\n")
    assert dead(postroom) == ["g2", "g1"]
    assert ready(postroom) == 0


def test_by_ids_letters_are_purged_as_well(postroom: Postroom, five_letters: None) -> None:
    ended = postroom("dead", "purge", "g1", "x", "--yes", "--json")

    assert ended.code == 1
    assert ended.json == {
        "matched": 1,
        "done": 1,
        "unknown": ["x"],
        "orphaned": 0,
        "dry_run": False,
    }
    assert dead(postroom) == ["g2", "a3", "a2", "a1"]


def test_where_there_is_nothing_to_purge_nobody_is_asked(postroom: Postroom) -> None:
    ended = postroom("dead", "purge", "--all")

    assert (ended.code, ended.err) == (0, "")


# --- When it fails


def test_a_redrive_that_fails_says_how_far_it_came_and_can_be_run_again(
    postroom: Postroom, five_letters: None, full_redis: Callable[[], AbstractContextManager[None]]
) -> None:
    with full_redis():
        failure = postroom("dead", "redrive", "--all").failure

    told = "stopped when 0 of 5 were queued again; run it again for the rest: the queue is full"
    assert failure.startswith(told)
    assert postroom("dead", "redrive", "--all").out == "5 dead letters are queued again.\n"


@pytest.fixture
def full_redis(environment: None) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def full() -> Iterator[None]:
        with Redis.from_url(os.environ["POSTROOM_REDIS_URL"]) as redis:
            redis.config_set("maxmemory", 1)
            try:
                yield
            finally:
                redis.config_set("maxmemory", 0)

    return full
