"""What the tests of the commands for applications have in common: one that has mail to get."""

import os

import psycopg

from postroom.application.ports import Answered
from postroom.domain.handover.answer import Answer
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import Ended, Postroom, in_container, receive_some_mail

URL = "https://crm.acme.example/in?token=hush"


def add(postroom: Postroom, *options: str, name: str = "crm", url: str = URL) -> Ended:
    ended = postroom("application", "add", name, url, *options)
    assert ended.code == 0, ended
    return ended


def secret_of(ended: Ended) -> str:
    """The one secret that a command has shown."""
    [secret] = [word for word in ended.out.split() if word.startswith("whsec_")]
    return secret


def with_mail(postroom: Postroom, *options: str) -> str:
    """Add `crm`, and have one message wait for it; the key of that."""
    add(postroom, *options)
    assert postroom("application", "route", "crm", "--tenant", "acme").code == 0
    in_container(receive_some_mail)
    [handover] = postroom("handover", "list", "--json").json
    key: str = handover["key"]
    return key


def answer(*answers: Answer) -> None:
    """`crm` is called, with one message at a time, and answers so."""

    async def run(wired: Wired) -> None:
        crm = await wired.applications.get("acme", "crm")
        assert crm
        for each in answers:
            [call] = (await wired.handovers.claim(crm, 1)).calls
            await wired.handovers.settle(crm, [Answered(call.handover, each)], draw=0)

    in_container(run)


def long_ago() -> None:
    """All that was accepted was so forty days ago: nobody need have its key any more."""
    with psycopg.connect(os.environ["POSTROOM_DATABASE_URL"]) as connection:
        connection.execute("UPDATE handover SET accepted_at = accepted_at - interval '40 days'")
