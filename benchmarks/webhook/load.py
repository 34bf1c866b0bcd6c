"""The sender: `python -m benchmarks.webhook.load --port …`, which prints what it has seen.

It does as little as can be done for a request, so that it is the server that is measured: the
requests are made beforehand, and of an answer only the status and the length are read.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.scenarios.scenario import percentile
from benchmarks.webhook import push
from benchmarks.webhook.notification import PATH, notification

WARM_UP = 1_000
"""Requests that are not measured."""

MILLISECOND = 1_000_000


class Connection(asyncio.Protocol):
    """Keeps alive, and has one request on its way at a time."""

    def __init__(self) -> None:
        self._answer = b""
        self._sent_at = 0
        self._taken: list[int] = []
        self._requests: Iterator[bytes] = iter(())
        self._ended: asyncio.Future[Sequence[int]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    async def send_all(self, requests: Iterator[bytes]) -> Sequence[int]:
        """Send as long as there are *requests*; the nanoseconds that each answer took."""
        self._requests, self._taken = requests, []
        self._ended = asyncio.get_running_loop().create_future()
        self._send_next()
        return await self._ended

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if _is_complete(self._answer):
            self._taken.append(time.monotonic_ns() - self._sent_at)
            if self._answer.startswith((b"HTTP/1.1 202 ", b"HTTP/1.1 204 ")):
                self._answer = b""
                self._send_next()
            else:
                self._fail(RuntimeError(f"it answered {self._answer[:300]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("it hung up"))

    def _send_next(self) -> None:
        assert self._ended
        if request := next(self._requests, None):
            self._sent_at = time.monotonic_ns()
            self._transport.write(request)
        else:
            self._ended.set_result(self._taken)

    def _fail(self, error: Exception) -> None:
        if self._ended and not self._ended.done():
            self._ended.set_exception(error)


def _is_complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    _, named, length = head.lower().partition(b"content-length:")
    return bool(found) and (not named or len(body) >= int(length.split(b"\r\n", 1)[0]))


def _request(number: int, token: str) -> bytes:
    """What Graph posts, or with a *token* Pub/Sub."""
    body = push.push(number) if token else notification(number)
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {push.PATH if token else PATH} HTTP/1.1\r\nHost: postroom.example\r\n"
        f"{authorization}"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def measure(port: int, connections: int, count: int, token: str = "") -> dict[str, float]:
    loop = asyncio.get_running_loop()
    requests = [_request(number, token) for number in range(WARM_UP + count)]
    opened = [
        (await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(connections)
    ]
    await _send(opened, requests[:WARM_UP])
    begun, cpu_begun = time.monotonic(), time.process_time()
    taken = sorted(await _send(opened, requests[WARM_UP:]))
    seconds, cpu_seconds = time.monotonic() - begun, time.process_time() - cpu_begun
    return {
        "requests": count,
        "requests_per_second": count / seconds,
        "p50_ms": percentile(taken, 0.5) / MILLISECOND,
        "p99_ms": percentile(taken, 0.99) / MILLISECOND,
        "max_ms": taken[-1] / MILLISECOND,
        "sender_cpu": cpu_seconds / seconds,
    }


async def _send(opened: Sequence[Connection], requests: Sequence[bytes]) -> list[int]:
    rest = iter(requests)
    taken = await asyncio.gather(*(connection.send_all(rest) for connection in opened))
    return [each for of_one in taken for each in of_one]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--google", type=Path, help="the file with a token: send what Pub/Sub does")
    options = parser.parse_args()
    token = json.loads(options.google.read_text())["token"] if options.google else ""
    told = uvloop.run(measure(options.port, options.connections, options.count, token))
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
