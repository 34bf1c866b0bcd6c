"""Handovers at the command line: looked up, and settled by hand."""

import re

import pytest

from postroom.adapters.inbox_table.table import TABLE_SQL
from postroom.domain.handover.answer import Done, Failed, Refused
from tests.end_to_end.command_rig import Postroom
from tests.end_to_end.handover_commands_rig import answer, long_ago, with_mail

DONE = Done(status=201, reference="T-1", url="https://crm.acme.example/1")
REFUSED = Refused(status=422, reason="no such customer")
UNSURE = Failed(reason="the application answered 500", sure=False, status=500)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


@pytest.fixture
def key(postroom: Postroom) -> str:
    """Of a message that waits for `crm`."""
    return with_mail(postroom)


def state(postroom: Postroom, key: str) -> str:
    found: str = postroom("handover", "show", key, "--json").json["state"]
    return found


# --- Looked up


def test_handovers_fit_a_terminal_and_show_enough_of_a_key(postroom: Postroom, key: str) -> None:
    answer(DONE)

    header, line = postroom("handover", "list", "--tenant", "acme").out.splitlines()

    assert cells(header) == [
        "key", "mailbox", "application", "state", "accepted (UTC)", "calls", "reason",
    ]  # fmt: skip
    shown = cells(line)
    assert [*shown[:4], *shown[5:]] == [key[:14], "support", "crm", "done", "1", "T-1"]
    assert max(len(header), len(line)) <= 80
    assert "key             tenant" in postroom("handover", "list").out
    assert state(postroom, shown[0]) == "done"


def test_a_handover_is_shown_with_what_was_answered(postroom: Postroom, key: str) -> None:
    answer(UNSURE)

    told = dict(
        cells(line)
        for line in postroom("handover", "show", key).out.splitlines()
        if len(cells(line)) == 2
    )
    parsed = postroom("handover", "show", key, "--json").json

    assert told["key"] == key
    assert told["last answer"] == "failed 500"
    assert told["may be handled"] == "yes"
    assert told["reason"] == "the application answered 500"
    assert (parsed["attempts"], parsed["unsure"], parsed["state"]) == (1, 1, "waiting")
    assert parsed["last_answer"]["status"] == 500


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--tenant", "acme"], 1),
        (["--tenant", "globex"], 0),
        (["--application", "crm"], 1),
        (["--mailbox", "sales"], 0),
        (["--state", "waiting"], 1),
        (["--state", "dead", "--state", "refused"], 0),
        (["--since", "1h"], 1),
        (["--unsure"], 0),
    ],
)
def test_handovers_can_be_looked_up(
    postroom: Postroom, key: str, options: list[str], count: int
) -> None:
    assert len(postroom("handover", "list", *options, "--json").json) == count


def test_a_list_that_was_cut_says_how_it_goes_on(postroom: Postroom, key: str) -> None:
    cut = postroom("handover", "list", "--limit", "1")

    assert cut.err == f"There may be more: add --after {key[:14]}\n"
    assert postroom("handover", "list", "--after", key[:14], "--json").json == []


@pytest.mark.parametrize("command", ["show", "redrive", "skip", "done"])
def test_an_unknown_key_leads_to_the_list(postroom: Postroom, command: str) -> None:
    failure = postroom("handover", command, "msg_nobody").failure

    assert failure == "no handover has the key msg_nobody; see: postroom handover list"


def test_with_no_handover_the_list_says_where_to_look(postroom: Postroom) -> None:
    ended = postroom("handover", "list")

    assert ended.out == "No handover matches. What is not accepted yet: postroom queue\n"


def test_the_inbox_table_is_printed(postroom: Postroom) -> None:
    assert postroom("handover", "table").out.strip() == TABLE_SQL.strip()


# --- Settled by hand


def test_what_was_refused_is_called_with_again(postroom: Postroom, key: str) -> None:
    answer(REFUSED)
    before = state(postroom, key)

    ended = postroom("handover", "redrive", key[:14])

    assert before == "refused"
    assert (ended.code, ended.err, ended.out) == (0, "", f"{key} waits for its call.\n")
    answer(DONE)
    assert state(postroom, key) == "done"


def test_a_person_is_warned_when_the_key_may_be_forgotten(postroom: Postroom, key: str) -> None:
    answer(REFUSED)
    long_ago()

    no = postroom("handover", "redrive", key, stdin="\n")
    still = state(postroom, key)
    yes = postroom("handover", "redrive", key, stdin="y\n")

    assert no.code == 1
    assert "may have forgotten its key by now, and would do it twice. Call again? [y/N]" in no.err
    assert still == "refused"
    assert (yes.code, state(postroom, key)) == (0, "waiting")


def test_a_person_is_warned_that_the_application_has_it(postroom: Postroom, key: str) -> None:
    answer(DONE)

    warned = postroom("handover", "redrive", key, stdin="n\n")
    unasked = postroom("handover", "redrive", key, "--yes")

    assert "The application has it already" in warned.err
    assert (unasked.code, unasked.err) == (0, "")


@pytest.mark.parametrize(("command", "becomes"), [("skip", "skipped"), ("done", "done")])
def test_what_waits_is_ended_by_a_person_with_a_reason(
    postroom: Postroom, key: str, command: str, becomes: str
) -> None:
    ended = postroom("handover", command, key, "--reason", "settled by phone")

    shown = postroom("handover", "show", key, "--json").json
    assert (ended.code, ended.out) == (0, f"{key} is {becomes}.\n")
    assert (shown["state"], shown["reason"]) == (becomes, "settled by phone")


@pytest.mark.parametrize("command", ["skip", "done"])
def test_what_the_application_has_is_not_ended_again(
    postroom: Postroom, key: str, command: str
) -> None:
    answer(DONE)

    assert postroom("handover", command, key).failure == "it has ended already: done"


def test_nobody_would_call_for_an_application_that_was_removed(
    postroom: Postroom, key: str
) -> None:
    answer(REFUSED)
    postroom("application", "remove", "crm", "--yes")

    failure = postroom("handover", "redrive", key).failure

    assert failure.startswith("the application crm was removed, so nobody would call with it")


def test_what_is_in_shadow_is_left_to_the_change_over(postroom: Postroom) -> None:
    key = with_mail(postroom, "--mode", "shadow")

    assert postroom("handover", "redrive", key).failure.startswith("it is in shadow; ")
    assert state(postroom, key) == "shadow"
