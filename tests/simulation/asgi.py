"""Calls an ASGI application as a server would, and gathers what it answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from postroom.entrypoints.emulators.loopback import AsgiApp


@dataclass
class Answer:
    """*broken* says that the application failed while it answered, as one that hangs up."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    broken: bool = False


async def call(
    app: AsgiApp,
    method: str,
    path: bytes,
    *,
    headers: Mapping[str, str] | list[tuple[bytes, bytes]],
    body: bytes = b"",
    host: str = "postroom.example",
    scheme: str = "https",
) -> Answer:
    """*path* is as on the wire, with the query."""
    answer, asked, answered = Answer(), False, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await answered.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body"):
                answered.set()

    try:
        await app(_scope(method, path, _encoded(headers), host, scheme), receive, send)
    except ConnectionError:
        answer.broken = True
    return answer


def _encoded(headers: Mapping[str, str] | list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    if isinstance(headers, list):
        return [(name.lower(), value) for name, value in headers]
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _scope(
    method: str, path: bytes, headers: list[tuple[bytes, bytes]], host: str, scheme: str
) -> dict[str, Any]:
    raw_path, _, query = path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(raw_path.decode()),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", host.encode()), *(each for each in headers if each[0] != b"host")],
        "client": ("192.0.2.1", 4711),
        "server": (host, 443),
    }
