"""Applications that are called: in memory, over HTTP, and by a table."""

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg

from postroom.adapters.inbox_table.caller import InboxTableCaller
from postroom.adapters.inbox_table.table import TABLE_SQL
from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.webhook.caller import WebhookCaller
from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Failed, Unreachable
from postroom.domain.handover.application import Application
from postroom.entrypoints.emulators.loopback import serve
from tests.adapters.webhook_rig import TLS
from tests.calling import NOON, application
from tests.inbox_tables import inbox_database, rows, run, with_options

SECOND = timedelta(seconds=1)
Event = dict[str, Any]
"""Of ASGI."""

NAMES = ("taking", "broken", "hanging", "away", "unreadable")


class Stage(ABC):
    """A caller, and applications: one that takes all, one that fails, one that never answers, one
    that is not there, and one whose destination nobody can read."""

    def __init__(self, caller: ApplicationCaller, destinations: Mapping[str, str]) -> None:
        self.caller = caller
        self.taking, self.broken, self.hanging, self.away, self.unreadable = (
            application(destinations[name], name=name, timeout=SECOND) for name in NAMES
        )

    @abstractmethod
    async def received(self) -> list[tuple[object, object]]:
        """What the application that takes all has taken: keys, and bodies read as JSON."""


class InMemory(Stage):
    def __init__(self) -> None:
        self._caller = InMemoryApplicationCaller(batch=100, behaviour=_behaviour)
        super().__init__(self._caller, {name: f"https://{name}.example/" for name in NAMES})

    async def received(self) -> list[tuple[object, object]]:
        bodies = {call.handover.key: call.body for _, call in self._caller.calls}
        taken = self._caller.effects[self.taking.tenant, self.taking.name]
        return [(key, json.loads(bodies[key])) for key in taken]


async def _behaviour(application: Application, _: Call | None) -> Answer | None:
    match application.name:
        case "broken":
            return Failed(status=500, reason="the application answered 500", sure=False)
        case "hanging":
            await asyncio.Event().wait()
        case "away" | "unreadable":
            return Unreachable(reason="no call was possible: it refuses connections")
        case _:
            pass
    return None


class OverHttp(Stage):
    def __init__(self, caller: ApplicationCaller, base: str, receivers: "_Receivers") -> None:
        self._receivers = receivers
        paths = {name: f"{base}/{name}" for name in NAMES}
        nowhere = {"away": f"http://127.0.0.1:{_closed_port()}/", "unreadable": "http://["}
        super().__init__(caller, {**paths, **nowhere})

    async def received(self) -> list[tuple[object, object]]:
        return list(self._receivers.taken.items())


class _Receivers:
    """The applications, as ASGI."""

    def __init__(self) -> None:
        self.taken: dict[object, object] = {}

    async def __call__(
        self,
        scope: Event,
        receive: Callable[[], Awaitable[Event]],
        send: Callable[[Event], Awaitable[None]],
    ) -> None:
        event = await receive()
        body = event["body"]
        while event["more_body"]:
            event = await receive()
            body += event["body"]
        if scope["path"] == "/hanging":
            await receive()  # until the caller has gone
            return
        status = self._take(json.loads(body)) if scope["path"] == "/taking" else 500
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    def _take(self, body: Event) -> int:
        if body["type"] == "postroom.ping":
            return 204
        is_new = self.taken.setdefault(body["data"]["key"], body) is body
        return 201 if is_new else 208


class ByTable(Stage):
    def __init__(self, caller: ApplicationCaller, url: str) -> None:
        self._url = url
        of_schema = {name: with_options(url, options=f"-csearch_path={name}") for name in NAMES}
        nowhere = {
            "away": f"postgresql://127.0.0.1:{_closed_port()}/crm",
            "unreadable": "postgresql://[",
        }
        super().__init__(caller, {**of_schema, **nowhere, "taking": url})

    async def received(self) -> list[tuple[object, object]]:
        found = rows(self._url, "SELECT key, body FROM postroom_inbox ORDER BY ctid")
        return [(key, body) for key, body in found]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Stage]:
    yield InMemory()


@asynccontextmanager
async def over_http() -> AsyncIterator[Stage]:
    receivers = _Receivers()
    caller = WebhookCaller(ManualClock(NOON), content_token=lambda _: "t", version="1", tls=TLS)
    async with serve(receivers) as base, caller:
        yield OverHttp(caller, base, receivers)


@asynccontextmanager
async def by_table(server_url: str) -> AsyncIterator[Stage]:
    with inbox_database(server_url) as url:
        for schema in ("broken", "hanging"):
            run(url, f"CREATE SCHEMA {schema}", f"SET search_path = {schema}; {TABLE_SQL}")
        run(url, _BREAK)
        async with InboxTableCaller() as caller:
            with psycopg.connect(url) as holder:
                holder.execute("LOCK TABLE hanging.postroom_inbox")
                yield ByTable(caller, url)


_BREAK = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON broken.postroom_inbox EXECUTE FUNCTION fail();
"""


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
