"""What a program reads from a command with `--json` and from the API is the same."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftAccount
from postroom.domain.account import Secret
from postroom.domain.mailbox import Pause, PausedBy
from postroom.domain.pointer import PointerJob, job_id
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import EMPTY, Postroom, in_container
from tests.end_to_end.crash_rig import MAILBOX
from tests.end_to_end.processes import SECONDS, free_port, wait_until
from tests.subscribing import a_subscription

DEAD_JOB = job_id(MAILBOX.tenant, MAILBOX.id, EMPTY)
LEASE = timedelta(minutes=1)
PAIRS = {
    "mailbox list --tenant acme": "mailboxes",
    "queue --tenant acme": "queue",
    "dead list --tenant acme": "dead-letters",
    f"dead show {DEAD_JOB}": f"dead-letters/{DEAD_JOB}",
    "outcomes --tenant acme": "outcomes",
    "tickets list --tenant acme": "tickets",
    "tickets show 1 --tenant acme": "tickets/1",
}

Get = Callable[[str], Any]


@pytest.fixture
def stored(some_mail: None) -> None:
    """Beside some mail, mailboxes that stand otherwise, and jobs that wait, of two tenants."""
    in_container(store)


async def store(wired: Wired) -> None:
    registry, queue = wired.registry, wired.queue
    account = ImapAccount(host="mail.x", port=993, username="u", password=Secret("hush"))
    await look_after(wired)
    for tenant in ("acme", "globex"):
        office = replace(
            MAILBOX, tenant=tenant, id="office", address="o@x.example", account=account
        )
        await registry.add(office)
        await queue.enqueue([job(tenant)])
    assert isinstance(MAILBOX.account, MicrosoftAccount)
    delegated = DelegatedAccess(Secret("hush"), "17", "clerk@acme.example")
    person = replace(MAILBOX.account, credentials=delegated, folders=("inbox", "archive"))
    await registry.add(replace(MAILBOX, id="sales", address="s@acme.example", account=person))
    suspended = Pause(PausedBy.ACCESS, "invalid_grant", wired.clock.now())
    await registry.pause("acme", "sales", suspended)


async def look_after(wired: Wired) -> None:
    """Of the one folder there is, notifications come and the last sync has failed."""
    folder_syncs, now = wired.folder_syncs, wired.clock.now()
    [taken] = await folder_syncs.claim_due(now, 10, LEASE)
    subscribed = taken.subscribed(a_subscription("graph-1", "hush", now))
    await folder_syncs.save(replace(subscribed, synced_at=now, last_error="Graph served 503"))


def job(tenant: str) -> PointerJob:
    return PointerJob(
        id=f"{tenant}-office",
        tenant=tenant,
        mailbox="office",
        pointer=ImapPointer("INBOX", uid=7, uid_validity=1),
        enqueued_at=datetime(2020, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def get(stored: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Get]:
    """What `postroom api` serves to the tenant acme."""
    port = free_port()
    monkeypatch.setenv("POSTROOM_PORT", str(port))
    monkeypatch.setenv("POSTROOM_API_TOKENS", '{"acme": "token"}')
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": "Bearer token"},
        timeout=SECONDS,
    )
    command = [sys.executable, "-m", "postroom.entrypoints", "api"]
    with client, subprocess.Popen(command, env=os.environ) as api:
        try:
            wait_until(lambda: is_live(client), "the API is there")
            yield lambda path: client.get(f"/api/v1/{path}").raise_for_status().json()
        finally:
            api.terminate()


def is_live(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").is_success
    except httpx.TransportError:
        return False


def test_a_command_prints_what_the_api_serves(postroom: Postroom, get: Get) -> None:
    printed = {command: postroom(*command.split(), "--json").json for command in PAIRS}
    served = {command: get(path) for command, path in PAIRS.items()}

    assert ageless(printed) == ageless(served)
    assert all(printed.values())


def ageless(content: Any) -> Any:  # noqa: ANN401 - it is JSON
    """*content* without the numbers of ages, which grow from one moment to the next."""
    match content:
        case {"oldest_seconds": float(), **others}:
            return {"oldest_seconds": "some", **ageless(others)}
        case dict():
            return {key: ageless(each) for key, each in content.items()}
        case list():
            return [ageless(each) for each in content]
        case _:
            return content


def test_a_mailbox_is_shown_as_it_is_listed(postroom: Postroom, stored: None) -> None:
    listed = postroom("mailbox", "list", "--tenant", "acme", "--json").json
    shown = [
        postroom("mailbox", "show", mailbox["id"], "--tenant", "acme", "--json").json
        for mailbox in listed
    ]

    assert [mailbox["state"] for mailbox in shown] == ["receiving", "suspended", "error"]
    assert shown == listed
