"""`postroom application test` finds what is wrong with an application, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command_rig import Ended, Postroom
from tests.end_to_end.desk import Desk, serving
from tests.end_to_end.handover_commands_rig import add, secret_of

MAIL = b"""\
From: Ada <ada@example.com>
To: crm@acme.example
Subject: Our order
Message-ID: <order@example.com>
Content-Type: text/html

<p onclick="steal()">As agreed.</p>
"""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with serving(Desk()) as desk:
        yield desk


@pytest.fixture
def mail(environment: None, tmp_path: Path) -> str:
    (tmp_path / "order.eml").write_bytes(MAIL)
    return "order.eml"


def try_it(postroom: Postroom, desk: Desk, *options: str) -> Ended:
    desk.secret = secret_of(add(postroom, url=desk.url))
    return postroom("application", "test", "crm", *options)


def test_a_sample_has_no_effect(postroom: Postroom, desk: Desk) -> None:
    ended = try_it(postroom, desk)

    assert (ended.code, ended.err) == (0, "")
    assert f"POST {desk.url.removesuffix('/inbound')}" in ended.out
    assert "webhook-signature: v1,…\n" in ended.out
    assert "Nothing is wrong, as far as answers show." in ended.out
    assert {event["type"] for event in desk.events} == {"postroom.test"}
    assert desk.effects == []


def test_a_mail_has_its_effect_once_a_key(postroom: Postroom, desk: Desk, mail: str) -> None:
    ended = try_it(postroom, desk, mail, "--json")

    assert ended.code == 0
    assert desk.effects == ["Our order"] * 2
    calls = ended.json["calls"]
    assert [each["answer"]["kind"] for each in calls[:2]] == ["done", "duplicate"]
    assert [each["answer"]["status"] for each in calls[:2]] == [201, 208]
    assert sorted(each["answer"]["status"] for each in calls[2:10]) == [201] + [208] * 7
    assert [each["answer"]["status"] for each in calls[10:]] == [401]
    assert all(each["seconds"] >= 0 for each in calls)
    assert ended.json["request"]["body"]["data"]["content"]["html"] == "<p>As agreed.</p>\n"


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("keeps no key", "The second call of a key was answered with the reference 'T-2'"),
        ("knows every key", "The first call of a key was answered as one that is known"),
        ("verifies nothing", "A call that was signed with another secret was taken"),
    ],
)
def test_what_is_wrong_is_said(
    postroom: Postroom, desk: Desk, mail: str, fault: str, found: str
) -> None:
    desk.fault = fault

    ended = try_it(postroom, desk, mail)

    assert ended.code == 1
    assert found in ended.out
    assert ended.err == "postroom: crm does not do what it must: see above\n"


def test_an_application_that_is_not_there_is_wrong_in_one_sentence(postroom: Postroom) -> None:
    add(postroom, url="http://127.0.0.1:9/inbound")

    ended = postroom("application", "test", "crm")

    assert ended.code == 1
    assert "The first call was not taken: " in ended.out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_plan_calls_nobody(postroom: Postroom, desk: Desk, mail: str, options: list[str]) -> None:
    ended = try_it(postroom, desk, mail, "--plan", *options)

    assert ended.code == 0
    assert desk.events == []
    body = json.loads(ended.out)["body"] if options else json.loads(ended.out.split("\n\n", 1)[1])
    assert body["type"] == "mail.received"
    assert body["data"]["email"]["subject"] == "Our order"
    assert desk.secret not in ended.out


@pytest.mark.parametrize("options", [[], ["--json"], ["--plan"]])
def test_no_secret_is_shown(postroom: Postroom, desk: Desk, options: list[str]) -> None:
    ended = try_it(postroom, desk, *options)

    assert desk.secret.removeprefix("whsec_") not in ended.out + ended.err


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("nowhere.eml", "cannot read nowhere.eml: No such file or directory"),
        ("empty.eml", "empty.eml is empty"),
        ("large.eml", "large.eml is larger than POSTROOM_MAX_MESSAGE_BYTES: 2000"),
    ],
)
def test_a_file_that_is_no_mail_is_refused(
    postroom: Postroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, why: str
) -> None:
    monkeypatch.setenv("POSTROOM_MAX_MESSAGE_BYTES", "2000")
    (tmp_path / "empty.eml").write_bytes(b"\r\n")
    (tmp_path / "large.eml").write_bytes(MAIL + b"x" * 2000)
    add(postroom)

    assert postroom("application", "test", "crm", file).failure == why


def test_an_unknown_application_leads_to_the_list(postroom: Postroom) -> None:
    failure = postroom("application", "test", "nobody").failure

    assert failure == "there is no application nobody; see: postroom application list"


def test_a_processor_is_not_called(postroom: Postroom) -> None:
    add(postroom, url="python:mine")

    assert postroom("application", "test", "crm").failure.startswith("a processor runs in the")


def test_an_inbox_table_that_is_not_there_takes_no_row(postroom: Postroom) -> None:
    add(postroom, url="postgresql://127.0.0.1:9/crm")

    ended = postroom("application", "test", "crm")

    assert ended.code == 1
    assert "INSERT INTO postroom_inbox postgresql://127.0.0.1:9" in ended.out
    assert "The row was not taken." in ended.out
