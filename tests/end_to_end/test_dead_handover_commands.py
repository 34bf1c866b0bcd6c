"""Dead letters at the command line: pointers and handovers in one list."""

import re

import pytest

from postroom.domain.handover.answer import Done, Failed, Refused
from tests.end_to_end.command_rig import Postroom
from tests.end_to_end.handover_commands_rig import answer, long_ago, with_mail

REFUSED = Refused(status=422, reason="no such customer")
UNSURE = Failed(reason="the application answered 500", sure=False, status=500)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


@pytest.fixture
def letter(postroom: Postroom) -> str:
    """The id of a handover that was refused; a pointer has died before it."""
    key = with_mail(postroom)
    answer(REFUSED)
    return f"crm:{key}"


def test_pointers_and_handovers_are_one_list_newest_first(postroom: Postroom, letter: str) -> None:
    handover, pointer = postroom("dead", "list", "--json").json["letters"]
    table = postroom("dead", "list", "--tenant", "acme").out.splitlines()

    assert (handover["id"], handover["kind"], handover["application"]) == (
        *(letter, "handover", "crm"),
    )
    assert handover["may_be_handled"] is False
    assert handover["reasons"][-1]["reason"] == "no such customer"
    assert (pointer["kind"], pointer["may_be_handled"]) == ("pointer", False)
    assert cells(table[0]) == ["id", "mailbox", "what", "died (UTC)", "reason"]
    assert table[1].startswith(letter)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (["--reason", "customer"], ["handover"]),
        (["--reason", "empty"], ["pointer"]),
        (["--provider", "microsoft"], ["handover", "pointer"]),
        (["--mailbox", "sales"], []),
        (["--newer-than", "1h"], ["handover", "pointer"]),
        (["--limit", "1"], ["handover"]),
    ],
)
def test_what_is_chosen_is_chosen_of_both(
    postroom: Postroom, letter: str, options: list[str], kinds: list[str]
) -> None:
    page = postroom("dead", "list", *options, "--json").json

    assert [each["kind"] for each in page["letters"]] == kinds


def test_a_list_of_both_goes_on_where_it_ended(postroom: Postroom, letter: str) -> None:
    first = postroom("dead", "list", "--limit", "1", "--json").json
    second = postroom("dead", "list", "--after", first["next"], "--json").json

    assert [each["kind"] for each in second["letters"]] == ["pointer"]


def test_a_dead_handover_says_whether_the_application_may_have_it(
    postroom: Postroom, letter: str
) -> None:
    told = postroom("dead", "show", letter).out

    assert told.startswith(f"Handover {letter} of acme/support\ndied at ")
    assert "The application crm has surely not handled it.\n" in told
    assert "message id" in told
    assert f"postroom dead redrive {letter}\n" in told
    assert postroom("dead", "show", letter.partition(":")[2]).code == 0


def test_what_is_held_is_shown_with_unsure(postroom: Postroom) -> None:
    key = with_mail(postroom, "--when-unsure", "hold")
    answer(UNSURE)

    listed = postroom("dead", "list", "--json").json["letters"]
    held, _ = postroom("dead", "list", "--unsure", "--json").json["letters"]

    assert [each["kind"] for each in listed] == ["pointer"]
    assert (held["id"], held["may_be_handled"]) == (f"crm:{key}", True)
    assert "  handover, " in postroom("dead", "list", "--unsure").out
    assert "crm may have handled it." in postroom("dead", "show", f"crm:{key}").out


def test_both_are_redriven_together(postroom: Postroom, letter: str) -> None:
    ended = postroom("dead", "redrive", "--all")

    assert (ended.code, ended.out) == (0, "2 dead letters are queued again.\n")
    assert postroom("dead", "list", "--json").json["letters"] == []
    assert postroom("queue", "--json").json["totals"]["ready"] == 1
    answer(Done(reference="T-1"))
    assert postroom("handover", "list", "--json").json[0]["state"] == "done"


def test_what_nobody_would_call_with_stays_and_is_counted(postroom: Postroom, letter: str) -> None:
    postroom("application", "route", "helpdesk", "--tenant", "acme")
    assert postroom("application", "remove", "crm", "--yes").code == 0

    ended = postroom("dead", "redrive", "--all")
    again = postroom("dead", "redrive", letter, "--json")

    assert (ended.code, ended.out) == (1, "1 dead letter is queued again.\n")
    assert "1 handover stays, whose application was removed" in ended.err
    assert (again.code, again.json["orphaned"], again.json["done"]) == (1, 1, 0)
    assert [each["id"] for each in postroom("dead", "list", "--json").json["letters"]] == [letter]


def test_one_is_redriven_by_its_id(postroom: Postroom, letter: str) -> None:
    assert postroom("dead", "redrive", letter).out == "1 dead letter is queued again.\n"

    [left] = postroom("dead", "list", "--json").json["letters"]
    assert left["kind"] == "pointer"
    assert postroom("dead", "redrive", letter).failure.startswith("no dead letter has the id crm:")


def test_a_person_is_asked_when_keys_may_be_forgotten(postroom: Postroom, letter: str) -> None:
    long_ago()

    refused = postroom("dead", "redrive", "--all", stdin="n\n")
    unasked = postroom("dead", "redrive", "--all", "--yes")

    assert refused.code == 1
    assert "Of 1 handovers the keys may be forgotten by now" in refused.err
    assert (unasked.code, unasked.err) == (0, "")


def test_a_purged_handover_is_skipped_for_good(postroom: Postroom, letter: str) -> None:
    ended = postroom("dead", "purge", letter, "--yes")

    [handover] = postroom("handover", "list", "--json").json
    assert ended.out == "1 dead letter is purged.\n"
    assert (handover["state"], handover["reason"]) == ("skipped", "purged by hand")
