"""Subscribers at the command line: added, listed, tried, removed."""

import re
from collections.abc import Iterator

import pytest

from postroom.application.ports import Answered
from postroom.domain.handover.answer import Refused
from postroom.domain.outcome import Accepted
from postroom.entrypoints.container import Wired
from tests.contracts.samples import outcome
from tests.documents import DOCS
from tests.end_to_end.command_rig import Ended, Postroom, in_container
from tests.end_to_end.desk import Desk, serving
from tests.end_to_end.handover_commands_rig import URL, secret_of


@pytest.fixture
def desk() -> Iterator[Desk]:
    with serving(Desk()) as desk:
        yield desk


def add(postroom: Postroom, *options: str, url: str = URL) -> Ended:
    ended = postroom("subscriber", "add", "audit", url, *options)
    assert ended.code == 0, ended
    return ended


async def something_happens(wired: Wired) -> None:
    for number in range(2):
        await wired.outcomes.record(outcome(f"{number}", ended=Accepted("crm")))
    assert await wired.distribute_events() == 2


def test_a_subscriber_is_added_and_its_secret_is_shown_once(postroom: Postroom) -> None:
    ended = add(postroom)

    assert ended.out.splitlines() == [
        "audit is added. It hears of all events from now on.",
        f"Its secret, which is shown this once: {secret_of(ended)}",
        "Try it: postroom subscriber test audit",
    ]
    listed = postroom("subscriber", "list")
    assert "https://crm.acme.example" in listed.out
    assert "hush" not in listed.out
    assert secret_of(ended) not in listed.out


def test_it_hears_of_what_it_names(postroom: Postroom) -> None:
    ended = add(postroom, "--events", "accepted, dead,mailbox,application.failing")

    [view] = postroom("subscriber", "list", "--json").json
    assert view["events"] == [
        "message.accepted",
        "message.dead",
        "mailbox.degraded",
        "mailbox.recovered",
        "mailbox.suspended",
        "mailbox.paused",
        "mailbox.resumed",
        "application.failing",
    ]
    assert "It hears of message.accepted, message.dead, " in ended.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["AUDIT", URL], "subscriber 'AUDIT': use 1 to 63 of"),
        (["audit", "python:audit"], "the destination begins with one of: https, http, postgresql,"),
        (["audit", "redis-stream:{postroom:0}"], "the stream's name: use 1 to 128 of"),
        (["audit", URL, "--events", "news"], "there is no event news: name some of message.acc"),
        (["audit", URL, "--max-backlog", "0"], "max-backlog: use 1 to 10000000"),
    ],
)
def test_one_that_cannot_be_is_refused(postroom: Postroom, arguments: list[str], why: str) -> None:
    assert postroom("subscriber", "add", *arguments).failure.startswith(why)
    assert postroom("subscriber", "list", "--json").json == []


def test_the_commands_of_the_documents_do_what_they_say(postroom: Postroom) -> None:
    page = (DOCS / "events.md").read_text()
    commands = [line.split("#")[0].split() for line in re.findall(r"(?m)^    postroom (.*)$", page)]
    assert len(commands) == 6

    codes = {" ".join(words[:3]): postroom(*words).code for words in commands}

    assert codes.pop("subscriber test audit") == 1  # nobody listens there
    assert set(codes.values()) == {0}
    assert [view["name"] for view in postroom("subscriber", "list", "--json").json] == [
        "oncall",
        "acme",
    ]


def test_a_subscriber_is_no_application_and_no_application_a_subscriber(postroom: Postroom) -> None:
    add(postroom)
    assert postroom("application", "add", "crm", URL).code == 0

    assert [view["name"] for view in postroom("application", "list", "--json").json] == ["crm"]
    assert [view["name"] for view in postroom("subscriber", "list", "--json").json] == ["audit"]
    for words in (["show"], ["test"], ["pause"], ["remove", "--yes"], ["route"]):
        failure = postroom("application", words[0], "audit", *words[1:]).failure
        assert failure.startswith("there is no application audit")
    for command in ("test", "remove"):
        failure = postroom("subscriber", command, "crm").failure
        assert failure == "there is no subscriber crm; see: postroom subscriber list"
    assert postroom("application", "add", "audit", URL).failure.startswith("there is one of that")
    copied = postroom("application", "set", "crm", "--copy", "audit").failure
    assert copied == "there is no application audit: add it first"
    redirected = postroom("application", "set", "crm", "--destination", "redis-stream:mail")
    assert redirected.failure.startswith("the destination begins with one of: https, http, postgr")


def test_a_test_is_signed_and_read_like_an_event(postroom: Postroom, desk: Desk) -> None:
    desk.secret = secret_of(add(postroom, url=desk.url))

    ended = postroom("subscriber", "test", "audit")

    assert (ended.code, ended.err) == (0, "")
    assert "audit has taken it." in ended.out
    assert [event["type"] for event in desk.events] == ["postroom.test"]


def test_a_test_that_is_not_taken_fails(postroom: Postroom, desk: Desk) -> None:
    add(postroom, url=desk.url)
    desk.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    ended = postroom("subscriber", "test", "audit")

    assert ended.code == 1
    assert "401" in ended.out
    assert ended.err == "postroom: audit has not taken it: see above\n"


def test_a_stream_is_tried_like_any_other(postroom: Postroom) -> None:
    add(postroom, url="redis-stream:events-of-a-test")

    assert postroom("subscriber", "test", "audit", "--json").json["kind"] == "done"
    [view] = postroom("subscriber", "list", "--json").json
    assert view["destination"] == "redis-stream:events-of-a-test"


def test_what_waits_keeps_a_subscriber_there_unless_it_is_discarded(postroom: Postroom) -> None:
    add(postroom)
    in_container(something_happens)

    refused = postroom("subscriber", "remove", "audit")
    removed = postroom("subscriber", "remove", "audit", "--discard")

    assert refused.failure == "2 events wait for audit: let them be taken, or add --discard"
    assert removed.out == "audit is removed. Events discarded: 2.\n"
    assert postroom("subscriber", "list", "--json").json == []
    assert postroom("handover", "list", "--json").json == []


def test_events_that_wait_are_listed_with_the_handovers(postroom: Postroom) -> None:
    add(postroom)
    in_container(something_happens)

    assert postroom("handover", "list", "--json").json == []
    listed = postroom("handover", "list", "--application", "audit", "--json").json

    assert {each["application"] for each in listed} == {"audit"}
    assert postroom("handover", "list", "--application", "audit").code == 0
    assert postroom("handover", "show", listed[0]["key"]).code == 0
    assert postroom("handover", "redrive", listed[0]["key"]).code == 0
    assert postroom("handover", "done", listed[0]["key"]).code == 0


def test_an_event_that_is_refused_is_a_dead_letter(postroom: Postroom) -> None:
    add(postroom)
    in_container(something_happens)

    async def refuse(wired: Wired) -> None:
        [audit] = await wired.applications.subscribers()
        calls = (await wired.handovers.claim(audit, 2)).calls
        answers = [Answered(call.handover, Refused()) for call in calls]
        await wired.handovers.settle(audit, answers, draw=0)

    in_container(refuse)

    first, second = (each["id"] for each in postroom("dead", "list", "--json").json["letters"])
    assert first.startswith("audit:evt_")
    assert postroom("dead", "list").code == 0
    assert postroom("dead", "show", first).code == 0
    assert postroom("dead", "redrive", first, "--yes").code == 0
    assert postroom("dead", "purge", second, "--yes").code == 0
    assert postroom("dead", "list", "--json").json["letters"] == []
    [waiting] = postroom(
        "handover", "list", "--application", "audit", "--state", "waiting", "--json"
    ).json
    assert f"audit:{waiting['key']}" == first
