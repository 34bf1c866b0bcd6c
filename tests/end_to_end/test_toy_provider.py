"""A fourth provider is a package, and a line in the container: all else, a mailbox of it has free.

What is run here is what everybody runs: the command line, the container, PostgreSQL and Redis. The
package is tests/toy_provider.py, and the line is that of the fixture `server`.
"""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.application.maintain_folder import LEASE
from postroom.domain.failure import AccessFailed
from postroom.entrypoints import container
from postroom.entrypoints.container import Wired
from postroom.entrypoints.container.providers import PROVIDERS, Installed
from tests import toy_provider
from tests.end_to_end.command_rig import Postroom, in_container
from tests.toy_provider import ToyPointer, ToyServer

USER, TOKEN = "help@acme.example", "a-token-of-the-toy-server"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ToyServer:
    """The mail server of the toy provider, which is installed by the one line."""
    server = ToyServer(tokens={USER: TOKEN})
    line = Installed(toy_provider, lambda deps, _: toy_provider.provider(deps, server=server))
    monkeypatch.setattr(container.providers, "PROVIDERS", (*PROVIDERS, line))
    return server


@pytest.fixture
def clock(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    monkeypatch.setattr(DatabaseClock, "now", lambda _: clock.now())
    return clock


@pytest.fixture
def mailbox(postroom: Postroom, clock: ManualClock, server: ToyServer, tmp_path: Path) -> Postroom:
    """Added by a command; the folder has been synced for the first time."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    options = ["--address", USER, "--region", "north", "--token-file", str(token)]
    added = postroom("mailbox", "add", "toy", "help", *options)
    assert added.code == 0, added.err
    assert added.err == "signing in: done\n"
    assert added.out == "default/help is added. What arrives from now on is handled.\n"
    pass_time(clock, 2 * MINUTE)
    return postroom


def pass_time(clock: ManualClock, duration: timedelta) -> None:
    """Maintenance and a worker do what there is to do, a minute at a time."""

    async def work(wired: Wired) -> None:
        end = clock.now() + duration
        while clock.now() < end:
            clock.advance(MINUTE)
            for due in await wired.folder_syncs.claim_due(clock.now(), 10, LEASE):
                await wired.maintain(due)
            for claim in await wired.queue.claim(10, LEASE):
                await wired.consume(claim)

    in_container(work)


def deliver(server: ToyServer, clock: ManualClock, subject: str) -> ToyPointer:
    mail = EmailMessage()
    mail["From"], mail["To"] = "anna@example.net", USER
    mail["Subject"], mail["Message-ID"] = subject, f"<{subject.lower()}@example.net>"
    mail.set_content("It is on fire.")
    return server.deliver(USER, mail.as_bytes(), clock.now())


def subjects(postroom: Postroom) -> set[str]:
    return {ticket["subject"] for ticket in postroom("tickets", "list", "--json").json}


def state(postroom: Postroom) -> tuple[str, str]:
    shown = postroom("mailbox", "show", "help", "--json").json
    return shown["state"], shown["reason"]


def test_its_mail_becomes_tickets(mailbox: Postroom, server: ToyServer, clock: ManualClock) -> None:
    deliver(server, clock, "Printer")

    pass_time(clock, HOUR)

    assert subjects(mailbox) == {"Printer"}
    assert state(mailbox) == ("receiving", "")
    assert mailbox("mailbox", "show", "help", "--json").json["account"] == {
        "region": "north",
        "user": USER,
        "server": "north.toy.example",
    }


def test_its_mailbox_is_polled_when_notifications_do_not_come(
    mailbox: Postroom, server: ToyServer, clock: ManualClock
) -> None:
    for number in range(3):
        deliver(server, clock, f"Printer {number}")
        pass_time(clock, HOUR)

    assert state(mailbox)[0] == "polling"
    deliver(server, clock, "Toner")
    pass_time(clock, 2 * MINUTE)
    assert "Toner" in subjects(mailbox)


def test_its_mailbox_is_suspended_while_access_fails_and_loses_nothing(
    mailbox: Postroom, server: ToyServer, clock: ManualClock
) -> None:
    server.failure = AccessFailed("the token is refused")
    pass_time(clock, HOUR)
    assert state(mailbox) == ("suspended", "the token is refused")

    deliver(server, clock, "Printer")
    server.failure = None
    pass_time(clock, HOUR)

    assert state(mailbox) == ("receiving", "")
    assert subjects(mailbox) == {"Printer"}


def test_its_mailbox_is_resynced(
    postroom: Postroom, mailbox: Postroom, server: ToyServer, clock: ManualClock
) -> None:
    old = deliver(server, clock, "Before")
    pass_time(clock, HOUR)
    clock.advance(40 * DAY)
    deliver(server, clock, "Today")

    resynced = postroom("mailbox", "resync", "help", "--since", "60d")
    pass_time(clock, HOUR)

    assert resynced.code == 0
    assert subjects(postroom) == {"Before", "Today"}
    server.delete(USER, old)
    assert postroom("mailbox", "remove", "help", "--yes").code == 0
    assert postroom("mailbox", "list", "--json").json == []
