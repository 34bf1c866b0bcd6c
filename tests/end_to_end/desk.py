"""A program on the desk: a receiver in this process, that keeps its keys in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass
class Desk:
    """What is wrong with it is said by *fault*; *effects* holds the subject of each message."""

    fault: str = ""
    secret: str = ""
    url: str = ""
    effects: list[str] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def answer(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        try:
            event = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            if self.fault != "verifies nothing":
                return 401, {"reason": "signature"}
            event = json.loads(body)
        with self._lock:
            self.events.append(event)
            return self._take(event) if event["type"] == "mail.received" else (200, {})

    def _take(self, event: Any) -> tuple[int, dict[str, str]]:  # noqa: ANN401 - it is JSON
        if self.fault == "knows every key":
            return 208, {}
        key = event["data"]["key"]
        if key in self._keys and self.fault != "keeps no key":
            return 208, {"reference": self._keys[key]}
        self.effects.append(event["data"]["email"]["subject"])
        self._keys[key] = f"T-{len(self.effects)}"
        return 201, {"reference": self._keys[key]}


@contextmanager
def serving(desk: Desk) -> Iterator[Desk]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, said = desk.answer(body, {k.lower(): v for k, v in self.headers.items()})
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        desk.url = f"http://127.0.0.1:{server.server_port}/inbound"
        try:
            yield desk
        finally:
            server.shutdown()
            thread.join()
