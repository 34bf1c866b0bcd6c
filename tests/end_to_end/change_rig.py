"""The day of the change: an old system, Postroom's processes, an application, and mail."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, post
from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.domain.account import Secret
from postroom.domain.folder_sync import Request as SyncRequest
from postroom.domain.handover.application import Application
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.emulators.imap_server import ImapServer
from postroom.entrypoints.emulators.loopback import serve
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.settings import Settings
from tests.end_to_end.handover_rig import Database, Part
from tests.end_to_end.old_system import OldSystem
from tests.end_to_end.processes import SECONDS, until
from tests.receivers.calls import SECRET

TENANT = "acme"
MAILBOXES = ("support", "sales")
PARTS = ("worker", "maintenance", "listener")

HURRY = {"POSTROOM_POLL_SECONDS": "1", "POSTROOM_SYNC_SECONDS": "2"}

BETWEEN = 0.3
"""Seconds between two messages that come."""


BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def address_of(mailbox: str) -> str:
    return f"{mailbox}@{TENANT}.example"


@dataclass
class NewApplication:
    """That to which Postroom hands over: it has one effect of each key."""

    effects: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)

    def app(self) -> Litestar:
        @post("/inbound")
        async def inbound(request: Request[Any, Any, Any]) -> Response[None]:
            data = (await request.json())["data"]
            is_new = data["key"] not in self.known
            if is_new:
                self.known.add(data["key"])
                self.effects[f"<{data['email']['messageId'][0]}>"] += 1
            return Response(None, status_code=201 if is_new else 208)

        return Litestar([inbound], openapi_config=None)


@dataclass
class Site:
    """*came* are the ids of all the mail that has come, each with when it did."""

    home: Path
    server: ImapServer
    old: OldSystem
    application: NewApplication
    database: Database
    settings: Settings
    came: dict[str, datetime] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    _starts: "count[int]" = field(default_factory=count)

    # --- Mail ---

    async def deliver_for_ever(self) -> None:
        for number in count():
            mailbox = MAILBOXES[number % len(MAILBOXES)]
            message_id = f"<m{number}@sender.example>"
            headers = f"From: a@b.example\r\nMessage-ID: {message_id}\r\nSubject: {number}"
            self.came[message_id] = datetime.now(UTC)
            self.server.deliver(address_of(mailbox), f"{headers}\r\n\r\nHello\r\n".encode())
            await asyncio.sleep(BETWEEN)

    async def more_mail(self, messages: int = 20) -> datetime:
        """Wait until so many more have come; returns when that is."""
        enough = len(self.came) + messages
        await until(lambda: len(self.came) >= enough, "mail comes")
        return datetime.now(UTC)

    @asynccontextmanager
    async def mail(self) -> AsyncIterator[None]:
        """It comes while the block lasts."""
        coming = asyncio.create_task(self.deliver_for_ever())
        try:
            yield
        finally:
            coming.cancel()

    @property
    def handled(self) -> Counter[str]:
        """How often each message was, by either."""
        return self.old.effects + self.application.effects

    @property
    def lost(self) -> list[str]:
        return [message_id for message_id in self.came if not self.handled[message_id]]

    @property
    def doubled(self) -> list[str]:
        return [message_id for message_id, times in self.handled.items() if times > 1]

    # --- Postroom ---

    @property
    def environment(self) -> Mapping[str, str]:
        return environment_of(self.settings) | HURRY

    async def set_ingress(self, mode: str) -> None:
        """And start its parts again."""
        await self.stop()
        environment = {**self.environment, "POSTROOM_INGRESS_IMAP": mode}
        self.parts = [self._part(name, environment) for name in PARTS]
        for part in self.parts:
            part.start()
        await asyncio.gather(*(asyncio.to_thread(each.await_readiness) for each in self.parts))

    async def hurry(self) -> None:
        """Cut short what `off` has made wait, for five minutes."""
        async with wire(self.settings) as wired:
            now = wired.clock.now()
            for mailbox in MAILBOXES:
                await wired.queue.resume(TENANT, mailbox)
                await wired.folder_syncs.request(TENANT, mailbox, SyncRequest.CHANGED, now)

    async def stop(self) -> None:
        for part in self.parts:
            part.terminate()
        await asyncio.gather(*(asyncio.to_thread(each.await_end) for each in self.parts))
        self.parts = []

    def _part(self, name: str, environment: Mapping[str, str]) -> Part:
        command = [sys.executable, "-m", "postroom.entrypoints", name]
        said = f"{name} started".encode()
        name = f"{name}.{next(self._starts)}"
        return Part(name, command, environment, self.home, lambda part: said in part.said)

    async def run(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """What a command says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "postroom.entrypoints", *arguments, "--json"),
            env=dict(self.environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
        assert process.returncode == code, (out, err)
        return json.loads(out)

    async def release(self, file: Path, since: datetime) -> Counter[str]:
        """What became of how many messages, over all mailboxes."""
        done = await self.run(
            *("shadow", "release", "--handled", str(file), "--from", since.isoformat())
        )
        found: Counter[str] = Counter()
        for each in done["mailboxes"]:
            found.update({name: value for name, value in each.items() if isinstance(value, int)})
        return found

    def count(self, *states: str, since: datetime = BEGINNING) -> int:
        """Handovers in these states, of messages that came from *since* on."""
        listed = ", ".join(f"'{state}'" for state in states)
        [(found,)] = self.database.execute(
            f"SELECT count(*) FROM postroom.handover WHERE state IN ({listed})"
            f" AND received_at >= '{since.isoformat()}'"
        )
        return int(found)

    async def until_quiet(self) -> None:
        """Until Postroom has handed over all that has come."""
        await until(lambda: not self.lost, "all is handled")
        await self.until_handed_over()

    async def until_handed_over(self) -> None:
        await until(lambda: not self.count("waiting", "calling"), "nothing waits")


@asynccontextmanager
async def a_site(home: Path, database_url: str) -> AsyncIterator[Site]:
    application = NewApplication()
    passwords = {address_of(mailbox): f"password of {mailbox}" for mailbox in MAILBOXES}
    with EmbeddedValkey(home / "valkey") as valkey:
        settings = Settings(
            home=home,
            redis_url=valkey.url,
            database_url=database_url,
            secret_keys=(SecretStr(generate_key()),),
        )
        async with ImapServer(passwords) as server, serve(application.app()) as url:
            async with wire(settings) as wired:
                await _add(wired, server.port, passwords, url)
            with closing(Database(database_url)) as database:
                old = OldSystem(server.port, passwords)
                site = Site(home, server, old, application, database, settings)
                try:
                    yield site
                finally:
                    await asyncio.to_thread(old.stop)
                    for part in site.parts:
                        part.kill()


async def _add(wired: Wired, port: int, passwords: Mapping[str, str], url: str) -> None:
    now = wired.clock.now()
    application = Application(
        tenant=TENANT,
        name="crm",
        destination=f"{url}/inbound",
        secrets=(SECRET,),
        added_at=now,
    )
    await wired.applications.add(application)
    await wired.applications.set_route(TENANT, "crm")
    for mailbox in MAILBOXES:
        address = address_of(mailbox)
        account = ImapAccount(
            host="127.0.0.1",
            port=port,
            username=address,
            password=Secret(passwords[address]),
            security=Security.NONE,
        )
        await wired.registry.add(
            Mailbox(tenant=TENANT, id=mailbox, address=address, account=account, added_at=now)
        )
