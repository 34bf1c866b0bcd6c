"""Serves the application with uvicorn, on a socket that is listening already."""

import asyncio
import gc
import logging
import socket

import uvicorn
from litestar import Litestar

from postroom.entrypoints.api.serving.connections import Connections
from postroom.entrypoints.api.serving.limits import Limits
from postroom.entrypoints.api.serving.refusals import Refusals
from postroom.entrypoints.api.serving.server import BoundedServer
from postroom.entrypoints.garbage import freeze_startup
from postroom.entrypoints.telemetry.instruments import Tally

DEFAULTS = Limits()

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


async def serve(
    app: Litestar,
    listening: socket.socket,
    stop: asyncio.Event,
    limits: Limits = DEFAULTS,
    refused: Tally | None = None,
) -> None:
    """Serve until *stop*; requests that are being answered then are answered.

    *refused* counts what was refused because of the *limits*.
    """
    connections = Connections(limits, Refusals(refused or Tally()))
    watching = asyncio.create_task(connections.watch())
    try:
        server = BoundedServer(uvicorn_config(app), listening, connections, limits)
        await run_until(stop, server, listening)
    finally:
        watching.cancel()


def uvicorn_config(app: Litestar) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        access_log=False,  # a line for each request, with addresses in its path
        log_config=None,
        log_level=logging.ERROR,  # it warns of each request that is no HTTP
        lifespan="off",
        proxy_headers=False,  # nobody looks at a client's address
        timeout_graceful_shutdown=10,
        server_header=False,
    )


async def run_until(stop: asyncio.Event, server: uvicorn.Server, listening: socket.socket) -> None:
    """Connections inherit TCP_NODELAY: asyncio sets it only for sockets that it has made itself.

    Without it an answer in two parts takes 40 ms: its second part waits for a delayed ACK.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
