"""A transport of httpx that leads to ASGI applications, over a network that is drawn.

What ails a server is met on the way there, or on the way back, when what was asked for is done: so
its adapter must bear refused connections, silence, errors of proxies, odd headers, and bodies that
are torn, empty, somebody else's, or come a byte a second.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import httpx

from postroom.entrypoints.emulators.loopback import AsgiApp
from tests.simulation import failures
from tests.simulation.arrivals import Arrived
from tests.simulation.asgi import Answer, call
from tests.simulation.clocks import true_time
from tests.simulation.plan import AVOIDED, Fault, Kind, Nature
from tests.simulation.process import Process
from tests.simulation.providers.body import Body
from tests.simulation.weather import Weather

AWAITED, LATENCY, FLAPPING = 0.6, 0.3, 0.9
"""How many ways take time, how many seconds on average; and how many calls fail of who flaps."""

HTML = b"<!doctype html><title>Error</title><h1>The service is unavailable</h1>"

PROXY_ERRORS = (500, 502, 503, 504)

STATUSES = {Nature.LATE: 404, Nature.FORBIDDEN: 403, Nature.FAILING: 500}
"""What is answered in the place of a message, by what is the matter with it."""


class Site(Protocol):
    """What answers under some host names."""

    @property
    @abstractmethod
    def app(self) -> AsgiApp: ...

    @abstractmethod
    def targets(self, request: httpx.Request) -> Sequence[str]:
        """What a fault may be aimed at to be met by *request*: the first is the server."""

    @abstractmethod
    def arrived(self, request: httpx.Request) -> Arrived | None:
        """The message whose content is asked for, if one's is."""

    @abstractmethod
    def error(self, status: int) -> bytes:
        """How it says that a message is not there (404), or may not be read (403)."""

    @abstractmethod
    def another(self, request: httpx.Request) -> bytes | None:
        """What it says of another message, where that can be told from the right one."""


Sites = Mapping[str, Site]
"""By host name."""


@dataclass(frozen=True)
class SimulatedTransport(httpx.AsyncBaseTransport):
    process: Process
    sites: Sites
    weather: Weather
    random: Random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        site = self.sites.get(request.url.host)
        if site is None:
            raise httpx.ConnectError("there is no such host", request=request)
        exchange = _Exchange(self, site, request, await request.aread())
        return await exchange()


@dataclass(frozen=True)
class _Exchange:
    way: SimulatedTransport
    site: Site
    request: httpx.Request
    body: bytes

    async def __call__(self) -> httpx.Response:
        await self._travel()
        if refusal := self._refusal():
            return refusal
        answer = await _apart(self._served())
        await self._travel()
        if answer.broken:
            raise httpx.RemoteProtocolError("the server hung up", request=self.request)
        return self._ailing(answer)

    def _faults(self) -> list[Fault]:
        return self.way.weather.of(*self.site.targets(self.request))

    async def _travel(self) -> None:
        """One way. Raises what httpx would."""
        await self.way.process.step()
        random = self.way.random
        if random.random() < AWAITED:
            await asyncio.sleep(random.expovariate(1 / LATENCY))
        for fault in self._faults():
            if fault.kind in AVOIDED:
                self.way.weather.meet(fault)
            match fault.kind:
                case Kind.REFUSES:
                    raise httpx.ConnectError("refused", request=self.request)
                case Kind.FLAPS if random.random() < FLAPPING:
                    raise httpx.ConnectError("refused", request=self.request)
                case Kind.HANGS | Kind.HANGS_FOR_EVER:
                    await self._hear_nothing()
                case Kind.SLOW:
                    await asyncio.sleep(fault.degree / 2)
                case _:
                    pass

    async def _hear_nothing(self) -> None:
        patience = self.request.extensions.get("timeout", {}).get("read")
        if patience is None:
            await asyncio.Future()
        await asyncio.sleep(patience)
        raise httpx.ReadTimeout("no answer", request=self.request)

    async def _served(self) -> Answer:
        url = self.request.url
        return await call(
            self.site.app,
            self.request.method,
            url.raw_path,
            headers=self.request.headers.raw,
            body=self.body,
            host=url.host,
            scheme=url.scheme,
        )

    # --- What is answered in the place of what was asked for ---

    def _refusal(self) -> httpx.Response | None:
        for fault in self._faults():
            if refusal := self._refused_by(fault):
                return refusal
        arrived = self.site.arrived(self.request)
        ails = arrived.ails(asyncio.get_running_loop().time()) if arrived else Nature.ORDINARY
        if status := STATUSES.get(ails):
            return self._respond(status, self.site.error(status))
        if ails is Nature.GARBLED:
            return self._respond(200, self.way.random.choice((b"", HTML)))
        return None

    def _refused_by(self, fault: Fault) -> httpx.Response | None:
        match fault.kind:
            case Kind.THROTTLES:
                header = failures.header_of(fault, true_time())
                headers = {} if header is None else {"retry-after": header}
                return self._respond(429, self.site.error(429), headers)
            case Kind.ERRS:
                status = self.way.random.choice(PROXY_ERRORS)
                return self._respond(status, HTML, {"content-type": "text/html"})
            case Kind.DENIES:
                return self._respond(403, self.site.error(403))
            case _:
                return None

    def _respond(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"content-type": "application/json"} | dict(headers or {})
        return httpx.Response(status, headers=headers, content=body, request=self.request)

    def _ailing(self, answer: Answer) -> httpx.Response:
        kinds = {fault.kind: fault for fault in self._faults()}
        body, headers, torn = answer.body, answer.headers, False
        if (lie := kinds.get(Kind.LIES)) and 200 <= answer.status < 300:
            match lie.form:
                case "nothing":
                    body = b""
                case "html":
                    body, headers = HTML, [(b"content-type", b"text/html")]
                case "json":
                    body, headers = b"{}", [(b"content-type", b"application/json")]
                case "another":
                    body = self.site.another(self.request) or body
                case _:
                    torn = True
        drips = kinds.get(Kind.DRIPS)
        return httpx.Response(
            answer.status,
            headers=[each for each in headers if each[0] != b"content-length"],
            stream=Body(body, drips, torn=torn),
            request=self.request,
        )


async def _apart(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a server does: it belongs to no process of ours, and goes on if we do not."""
    serving = asyncio.get_running_loop().create_task(work, context=Context())
    await asyncio.wait({serving})
    return serving.result()
