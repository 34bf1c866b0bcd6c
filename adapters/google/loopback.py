"""Where a browser on this machine ends after a sign-in: a port of 127.0.0.1 (RFC 8252, 7.3).

Whatever else asks there is turned away: what is read is a request of a few KiB, within seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

MAX_HEAD = 16 * 1024
"""Bytes of a request: its line and its headers."""

HEAD_WITHIN = 10.0
"""Seconds that a browser may take to send it."""

PAGE = "<!doctype html><title>Postroom</title><p>{}</p>"
DONE = PAGE.format("Postroom has got an answer. You may close this window.")
OTHER = PAGE.format("This is no answer to the sign-in that Postroom waits for.")


@dataclass(frozen=True, slots=True)
class Loopback:
    """*query* is that of the first request that was accepted."""

    uri: str
    query: "asyncio.Future[str]"


@asynccontextmanager
async def loopback(accepts: Callable[[str], bool]) -> AsyncIterator[Loopback]:
    """Listens on a port that is free, until it has had a query that *accepts* says is for us."""
    query: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    open_ones: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            async with asyncio.timeout(HEAD_WITHIN):
                found = _query(await reader.readuntil(b"\r\n\r\n"))
                is_ours = found is not None and accepts(found)
                writer.write(_response(HTTPStatus.OK if is_ours else HTTPStatus.NOT_FOUND))
                await writer.drain()
            if found is not None and is_ours and not query.done():
                query.set_result(found)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it was no browser
        finally:
            writer.close()
            open_ones.discard(writer)

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=MAX_HEAD)
    async with server:
        port = server.sockets[0].getsockname()[1]
        try:
            yield Loopback(f"http://127.0.0.1:{port}", query)
        finally:
            for writer in open_ones:  # browsers open some in reserve, and say nothing there
                writer.close()


def _query(head: bytes) -> str | None:
    """That of a GET of the root; None if it is anything else."""
    match head.split(b"\r\n", 1)[0].split(b" "):
        case [b"GET", target, _]:
            url = urlsplit(target.decode("latin-1"))
            return url.query if url.path in ("", "/") and not url.netloc else None
        case _:
            return None


def _response(status: HTTPStatus) -> bytes:
    page = (DONE if status is HTTPStatus.OK else OTHER).encode()
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + page
