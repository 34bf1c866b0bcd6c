"""The providers with their real adapters, which speak to our emulators over simulated networks."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import httpx

from postroom.adapters import google, imap, microsoft
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.http.downloads import DownloadLimits
from postroom.adapters.http.sign_ins import SignIns
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.fetcher import source_of
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Clock, FetchedMessage, MessageFetcher, Provider
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.entrypoints.container.pools import SIGN_INS
from postroom.entrypoints.container.providers import HTTP_TIMEOUT
from tests.simulation.arrivals import LARGE, Arrived, Notice
from tests.simulation.asgi import Answer
from tests.simulation.loop import the_loop
from tests.simulation.mailboxes import lane_of, mailbox_of
from tests.simulation.plan import Mail, Nature
from tests.simulation.process import this_process
from tests.simulation.providers import Outside, Reach, Surroundings
from tests.simulation.providers.gmail import CERTIFICATES, GMAIL, TOKENS, Gmail
from tests.simulation.providers.graph import GRAPH, LOGIN, Graph
from tests.simulation.providers.http import SimulatedTransport, Sites
from tests.simulation.providers.imap import Imap
from tests.simulation.reading import Readers
from tests.simulation.weather import Weather

PUBLIC_URL = "https://postroom.example"

_TLS = ssl.create_default_context()
"""Made once, since it takes 20 ms. No connection here has any TLS."""


@dataclass
class OnTheWire(Outside):
    clock: Clock
    weather: Weather
    lying: dict[tuple[str, str], Arrived] = field(default_factory=dict)
    """By lane and source."""
    readers: Readers = field(default_factory=Readers)

    async def open(self, resources: AsyncExitStack, reach: Reach) -> None:
        client = httpx.AsyncClient(transport=_ToUs(reach), trust_env=False)
        self.graph = Graph(self.clock, client, self._by_id)
        self.gmail = Gmail(self.clock, client, self._by_id)
        self.imap = Imap(self.clock, self.weather, self._by_uid)
        self.sites: Sites = {
            **dict.fromkeys((GRAPH, LOGIN), self.graph),
            **dict.fromkeys((GMAIL, TOKENS, CERTIFICATES), self.gmail),
        }
        self.gmail.announcer.open(resources, reach)
        await self.imap.open(the_loop().internet, resources)

    def mailbox(self, lane: str) -> Mailbox:
        return mailbox_of(lane, self.gmail.service_account)

    def providers(self, surroundings: Surroundings) -> Sequence[Provider]:
        transport = SimulatedTransport(
            surroundings.process, self.sites, surroundings.weather, surroundings.random
        )
        downloads = DownloadLimits(in_hand=surroundings.in_hand)
        deps = ProviderDeps(
            http=httpx.AsyncClient(transport=transport, timeout=HTTP_TIMEOUT, trust_env=False),
            sign_ins=SignIns(ThreadPoolExecutor(SIGN_INS), surroundings.clock),
            clock=surroundings.clock,
            registry=surroundings.registry,
            resources=surroundings.resources,
            public_url=PUBLIC_URL,
            max_message_bytes=LARGE,
            downloads=downloads,
        )
        made = [
            microsoft.provider(deps),
            google.provider(deps),
            imap.provider(
                deps, handoff_secrets={}, client=ImapClient(tls=_TLS, downloads=downloads)
            ),
        ]
        return [replace(each, fetcher=_Deadly(self, each.fetcher)) for each in made]

    # --- What happens there ---

    def deliver(self, mail: Mail, mailbox: Mailbox) -> Pointer:
        pointer = self._of(mailbox).deliver(mail, mailbox)
        self._lay(Arrived(mail, mailbox, pointer))
        return pointer

    def _lay(self, arrived: Arrived) -> None:
        self.lying[arrived.mail.lane, source_of(arrived.pointer)] = arrived

    def notices(self, arrived: Arrived) -> Sequence[Notice]:
        match arrived.pointer:
            case MicrosoftPointer():
                return self.graph.notices(arrived)
            case GooglePointer():
                return self.gmail.notices(arrived)
            case _:
                return []

    def delete(self, arrived: Arrived) -> None:
        self._of(arrived.mailbox).delete(arrived)

    def forget_positions(self, mailbox: Mailbox) -> dict[Pointer, Pointer]:
        moved = self._of(mailbox).forget_positions(mailbox)
        for old, new in moved.items():
            if arrived := self.lying.pop((lane_of(mailbox), source_of(old)), None):
                self._lay(replace(arrived, pointer=new))
        return moved

    async def drop_subscriptions(self, mailbox: Mailbox) -> None:
        if mailbox.provider == "microsoft":
            await self.graph.drop_subscriptions(mailbox)
        if mailbox.provider == "google":
            self.gmail.drop_watches(mailbox)

    def lag(self, mailbox: Mailbox, _: int) -> None:
        self.gmail.emulator.lag(mailbox.address, 10**9)

    def catch_up(self, mailbox: Mailbox) -> None:
        self.gmail.emulator.lag(mailbox.address, 0)

    def passed(self, mailbox: Mailbox, position: str, arrived: Sequence[Arrived]) -> list[Arrived]:
        return self._of(mailbox).passed(position, arrived)

    def _of(self, mailbox: Mailbox) -> Graph | Gmail | Imap:
        match mailbox.provider:
            case "microsoft":
                return self.graph
            case "google":
                return self.gmail
            case _:
                return self.imap

    # --- Which message is meant ---

    def _by_id(self, message_id: str) -> Arrived | None:
        found = (each for each in self.lying.values() if message_id in each.pointer.key)
        return next(found, None)

    def _by_uid(self, lane: str, uid: int) -> Arrived | None:
        for (its, _), arrived in self.lying.items():
            pointer = arrived.pointer
            if its == lane and isinstance(pointer, ImapPointer) and pointer.uid == uid:
                return arrived
        return None

    def poison(self, mailbox: Mailbox, pointer: Pointer) -> bool:
        found = self.lying.get((lane_of(mailbox), source_of(pointer)))
        return found is not None and found.mail.nature is Nature.POISON


@dataclass(frozen=True)
class _Deadly(MessageFetcher):
    """What it fetches may kill its process."""

    outside: OnTheWire
    fetcher: MessageFetcher

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        with self.outside.readers.of(mailbox):
            fetched = await self.fetcher.fetch(mailbox, pointer)
        if self.outside.poison(mailbox, pointer):
            await this_process().die()
        return fetched


@dataclass(frozen=True)
class _ToUs(httpx.AsyncBaseTransport):
    """Leads from a provider to our API, as far as there is one."""

    reach: Callable[[str, Notice], Awaitable[Answer | None]]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        path = request.url.raw_path.decode()
        notice = Notice(path, body, dict(request.headers))
        answer = await self.reach(request.method, notice)
        if answer is None:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(
            answer.status, headers=answer.headers, content=answer.body, request=request
        )
