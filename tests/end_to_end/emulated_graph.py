"""The Graph emulator with its login, beside a command that runs in this process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from postroom.adapters.clock import SystemClock
from postroom.entrypoints.emulators.graph import GraphEmulator
from postroom.entrypoints.emulators.loopback import issue_certificate, serve


@contextmanager
def emulated_graph(home: Path) -> Iterator[tuple[GraphEmulator, dict[str, str]]]:
    """The emulator, and the settings that lead to it, served from a thread while the block lasts.

    A command has an event loop of its own, and would hold up one that the emulator shared.
    """
    certificate = issue_certificate(home / "graph.pem")
    loop = asyncio.new_event_loop()
    running, stop = threading.Event(), asyncio.Event()
    found: list[tuple[GraphEmulator, str]] = []

    async def run() -> None:
        nobody = httpx.MockTransport(lambda _: httpx.Response(404))
        async with httpx.AsyncClient(transport=nobody) as client:
            graph = GraphEmulator(SystemClock(), client)
            async with serve(graph.app, certificate=certificate) as url:
                found.append((graph, url))
                running.set()
                await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert running.wait(30)
        [(graph, url)] = found
        urls = dict.fromkeys(("POSTROOM_GRAPH_URL", "POSTROOM_MICROSOFT_LOGIN_URL"), url)
        yield graph, {**urls, "SSL_CERT_FILE": str(certificate)}
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
