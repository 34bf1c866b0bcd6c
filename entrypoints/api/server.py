"""Serves the application with uvicorn, on a socket that is listening already."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from postroom.entrypoints.garbage import freeze_startup

KEEP_ALIVE = 75
"""Seconds. Longer than the idle time of common proxies, so that none meets a closing connection."""

COLLECT_AFTER = 50_000
"""New objects, some MiB of them, after which cycles are looked for among them."""


def tune_gc() -> None:
    """Have the garbage collector run seldom, and pass over all that there is when we start.

    By default it runs after some hundred new objects, and a few requests on their way are as many.
    With 64 at a time it took a quarter of the CPU, and one request in a hundred waited 70 ms while
    it went through all the libraries once more. No request leaves a cycle behind. For a process
    that does nothing but serve.
    """
    freeze_startup()
    gc.set_threshold(COLLECT_AFTER)


async def serve(app: Litestar, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until *stop*; requests that are being answered then are answered.

    Connections inherit TCP_NODELAY. asyncio sets it for the sockets that it has made itself only,
    and without it an answer in two parts takes 40 ms: its second part waits for a delayed ACK.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        access_log=False,  # a line for each request, with addresses in its path
        log_config=None,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would take them, and raise them again at its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
