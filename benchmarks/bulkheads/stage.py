"""The stage: a worker that is a process of its own, a calm mailbox, and strangers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import IO

import httpx

from benchmarks.bulkheads.strangers import DRIPS_FOR, HANGS_FOR, StuckMicrosoft, Way, stuck_imap
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.account import Account, Secret
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from postroom.entrypoints.emulators.loopback import issue_certificate, serve
from postroom.entrypoints.part_process import ProcessStart, environment_of
from postroom.entrypoints.settings import Settings

USER = "calm@postroom.example"
QUEUED = 40
"""Messages of each stranger that wait."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    wired: Wired
    graph: GraphEmulator
    calm: Mailbox
    ports: dict[Way, int]
    start: ProcessStart

    async def arrive(self) -> None:
        """A message for the calm mailbox, and the notification of it."""
        number = next(_numbers)
        mail = f"Message-ID: <{number}@calm.example>\r\nSubject: {number}\r\n\r\nHello\r\n"
        await self._queue(self.calm, MicrosoftPointer("", self.graph.deliver(USER, mail.encode())))

    async def latencies(self, since: datetime) -> Sequence[float]:
        """Seconds from the notification of each message of the calm mailbox to its outcome."""
        found = await self.wired.outcomes.find(self.calm.tenant, limit=1_000_000)
        return [
            (record.at - record.job.enqueued_at).total_seconds()
            for record in found
            if record.job.enqueued_at >= since
        ]

    def maintenance(self) -> AbstractAsyncContextManager[None]:
        """It runs in the block."""
        return _running(self.start, "maintenance")

    async def synced(self) -> float:
        """Seconds from the request of a sync of the calm mailbox until it is made."""
        folder_syncs, clock, calm = self.wired.folder_syncs, self.wired.clock, self.calm
        requested = clock.now()
        await folder_syncs.request(calm.tenant, calm.id, Request.SYNC, requested)
        while True:
            [state] = await folder_syncs.all(tenant=calm.tenant)
            if state.synced_at and state.synced_at >= requested:
                return (clock.now() - requested).total_seconds()
            await asyncio.sleep(0.05)

    async def dripping_mailboxes(self, number: int) -> Sequence[Mailbox]:
        """At the same Graph that serves the calm one well."""
        return [
            await self._stranger(replace(_in(DIRECTORY), user=f"{DRIPS_FOR}{n}@postroom.example"))
            for n in range(number)
        ]

    async def stuck_mailboxes(self, way: Way, number: int) -> Sequence[Mailbox]:
        account = ImapAccount(
            host="127.0.0.1",
            port=self.ports[way],
            username="u",
            password=Secret("p"),
            security=Security.NONE,
        )
        return [await self._stranger(account) for _ in range(number)]

    async def hanging_sign_ins(self, number: int) -> Sequence[Mailbox]:
        return [await self._stranger(_in(f"{HANGS_FOR}{n}")) for n in range(number)]

    async def busy_neighbours(self, number: int) -> Sequence[Mailbox]:
        """Mailboxes of one tenant, at a server that is well, with mail that waits."""
        found = []
        for _ in range(number):
            name = f"neighbour{next(_numbers)}"
            user = f"{name}@postroom.example"
            account = replace(_in(DIRECTORY), user=user)
            mailbox = replace(_mailbox(self.wired, "neighbours", user, account), id=name)
            await self.wired.registry.add(mailbox)
            ids = [self.graph.deliver(user, b"Subject: Hello\r\n\r\nHello") for _ in range(QUEUED)]
            await self.wired.ingest(mailbox, [MicrosoftPointer("", each) for each in ids])
            found.append(mailbox)
        return found

    async def _stranger(self, account: Account) -> Mailbox:
        """A mailbox with mail that waits, of a tenant of its own."""
        name = f"stranger{next(_numbers)}"
        mailbox = _mailbox(self.wired, name, f"{name}@postroom.example", account)
        await self.wired.registry.add(mailbox)
        for uid in range(1, QUEUED + 1):
            imap = isinstance(account, ImapAccount)
            await self._queue(
                mailbox,
                ImapPointer("INBOX", uid, 1) if imap else MicrosoftPointer("", f"message{uid}"),
            )
        return mailbox

    async def leave(self, strangers: Sequence[Mailbox]) -> None:
        """Take the strangers away, and with them what they have queued."""
        for stranger in strangers:
            await self.wired.remove(stranger.tenant, stranger.id)

    async def _queue(self, mailbox: Mailbox, pointer: Pointer) -> None:
        await self.wired.ingest(mailbox, [pointer])


@asynccontextmanager
async def open_stage(settings: Settings, log: IO[bytes]) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as resources:
        enter = resources.enter_async_context
        wired = await enter(wire(settings))
        graph = GraphEmulator(wired.clock, await enter(httpx.AsyncClient()))
        certificate = issue_certificate(settings.home / "emulators.pem")
        url = await enter(serve(StuckMicrosoft(graph.app), certificate=certificate))
        ports = {way: await enter(stuck_imap(way)) for way in Way}
        calm = _mailbox(wired, "calm", USER, _in(DIRECTORY))
        await wired.registry.add(calm)
        environment = {
            **environment_of(settings),
            "POSTROOM_CONCURRENCY": str(settings.concurrency),
            "POSTROOM_GRAPH_URL": url,
            "POSTROOM_MICROSOFT_LOGIN_URL": url,
            "SSL_CERT_FILE": str(certificate),
        }
        start = ProcessStart(environment, log)
        async with _running(start, "worker"):
            yield Stage(wired, graph, calm, ports, start)


@asynccontextmanager
async def _running(start: ProcessStart, part: str) -> AsyncIterator[None]:
    process = await start(part)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


def _in(directory: str) -> MicrosoftAccount:
    secret = ClientSecret(Secret(CLIENT_SECRET))
    return MicrosoftAccount(directory=directory, client_id=CLIENT_ID, credentials=secret, user=USER)


def _mailbox(wired: Wired, name: str, address: str, account: Account) -> Mailbox:
    return Mailbox(
        tenant=name, id="mail", address=address, account=account, added_at=wired.clock.now()
    )
