"""What the tests of the Graph emulator share: a client of it, and a receiver to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import GraphEmulator, Json

USER = "support@example.org"
HOOK = "https://postroom.test/webhooks/microsoft"
RAW = b"Message-ID: <one@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nText\r\n"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@dataclass
class SubscribedFolder:
    """Whoever is notified: proves itself in a handshake, and answers with *statuses*, then 202.

    While there is a *silence* it does not answer at all.
    """

    statuses: list[int] = field(default_factory=list)
    notifications: list[tuple[str, Json]] = field(default_factory=list)
    handshakes: list[httpx.Request] = field(default_factory=list)
    repeat: str | None = None
    media_type: str = "text/plain"
    silence: httpx.RequestError | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.silence:
            raise self.silence
        query = parse_qs(request.url.query.decode())
        if token := query.get("validationToken"):
            self.handshakes.append(request)
            text = token[0] if self.repeat is None else self.repeat
            return httpx.Response(200, text=text, headers={"Content-Type": self.media_type})
        assert request.headers["content-type"] == "application/json"
        self.notifications.append((str(request.url), json.loads(request.content)))
        return httpx.Response(self.statuses.pop(0) if self.statuses else 202)


@dataclass
class Rig:
    """*http* is signed in."""

    graph: GraphEmulator
    http: httpx.AsyncClient
    receiver: SubscribedFolder


@asynccontextmanager
async def graph_rig(clock: ManualClock) -> AsyncIterator[Rig]:
    receiver = SubscribedFolder()
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as callbacks:
        graph = GraphEmulator(clock, callbacks)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(graph.app),
            base_url="http://graph.test",
            headers={"Authorization": f"Bearer {graph.issue_token()}"},
        ) as http:
            yield Rig(graph, http, receiver)
