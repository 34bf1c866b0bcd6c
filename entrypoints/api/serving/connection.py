"""uvicorn's HTTP connection, with bounds on what a client may make it wait for, or hold.

uvicorn has none of its own. It takes any class as its protocol, but `HttpToolsProtocol` is no
public name: our release of uvicorn is pinned, and each bound has a test on a real socket.
"""

import asyncio
from contextlib import suppress
from itertools import chain
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from postroom.entrypoints.api.serving.connections import Connections, Phase
from postroom.entrypoints.api.serving.limits import Limits
from postroom.entrypoints.api.serving.refusals import RESPONSES, Refusal

MAX_HEADERS = 100
"""Of one request, with trailers. In memory the smallest take thirty times what they do here."""

MAX_PIPELINED = 8
"""Requests of one connection that wait for the response to another. A read may hold thousands."""


class _NotHttp(Exception):
    """Ends the parsing; the connection knows why."""


class BoundedConnection(HttpToolsProtocol):
    """*uvicorn* is what uvicorn makes its own with."""

    def __init__(self, connections: Connections, limits: Limits, **uvicorn: Any) -> None:  # noqa: ANN401
        super().__init__(**uvicorn)
        self.phase = Phase.HEADERS
        self.held = 0
        self._connections = connections
        self._limits = limits
        self._receiving: Phase | None = None  # HEADERS or BODY of a request, or none
        self._beside_body = 0  # bytes of it
        self._unclaimed = 0  # of the last read, which are of the request that begins in it
        self._active: RequestResponseCycle | None = None
        self._wrong = Refusal.MALFORMED

    # --- What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connections.enter(self, Phase.HEADERS)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.phase is Phase.BODY:
            self._connections.refusals.add(Refusal.ABORTED)
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_closing:
            return
        if not self._connections.hold(self, len(data)):
            self.refuse(Refusal.NO_ROOM)
            return
        self._beside_body += len(data)
        self._unclaimed = 0 if self._receiving else len(data)
        super().data_received(data)
        if self._is_closing:  # for it was no HTTP
            return
        if self._beside_body > self._limits.header_bytes:
            self.refuse(Refusal.LARGE_HEADERS)
        else:
            self._settle()

    @property
    def _is_closing(self) -> bool:
        return self.phase is Phase.CLOSING

    # --- What the parser calls. What these raise has uvicorn call `send_400_response`.

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._fail(Refusal.NO_ROOM)
        self._receiving = Phase.HEADERS
        # Those of a read that others are in as well are not counted: a read is bounded.
        self._beside_body, self._unclaimed = self._unclaimed, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._fail(Refusal.LARGE_HEADERS)

    def on_headers_complete(self) -> None:
        if self._beside_body > self._limits.header_bytes:  # with what is in the read beside them
            self._check_headers()
        self._receiving, self._beside_body = Phase.BODY, 0
        super().on_headers_complete()

    def _check_headers(self) -> None:
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if size > self._limits.header_bytes:
            self._fail(Refusal.LARGE_HEADERS)

    def on_body(self, body: bytes) -> None:
        self._beside_body -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._receiving = None
        super().on_message_complete()

    def _fail(self, refusal: Refusal) -> None:
        self._wrong = refusal
        raise _NotHttp

    # --- What uvicorn calls

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - we have our own words
        self.refuse(self._wrong)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn's own, but for the timer that it starts after each response."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._connections.enter(self, Phase.CLOSING)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self._settle()

    # --- What those who watch the connections call

    def expire(self) -> None:
        match self.phase:
            case Phase.HEADERS if self.held:
                self.refuse(Refusal.SLOW_HEADERS)
            case Phase.BODY:
                self.refuse(Refusal.SLOW_BODY)
            case Phase.HEADERS | Phase.IDLE:
                self._connections.enter(self, Phase.CLOSING)
                self.transport.close()
            case _:
                self._hang_up()

    def refuse(self, refusal: Refusal) -> None:
        """Say why, if a response is due, and read on until the client has read it, and hung up.

        To close at once would be a reset where there is something to be read, and could overtake
        the response.
        """
        self._connections.refusals.add(refusal)
        self._respond_and_forget(refusal)
        self._connections.enter(self, Phase.CLOSING)
        self._connections.release(self)
        self.flow.resume_reading()
        with suppress(OSError):  # it has gone already
            self.transport.write_eof()

    def evict(self) -> None:
        self._connections.refusals.add(Refusal.NO_ROOM)
        if self.phase is Phase.BODY or (self.phase is Phase.HEADERS and self.held):
            self._respond_and_forget(Refusal.NO_ROOM)
        self._hang_up()

    def _hang_up(self) -> None:
        self._connections.leave(self)
        self.transport.abort()

    def _respond_and_forget(self, refusal: Refusal) -> None:
        active = self._active if self._active and not self._active.response_complete else None
        if active:
            active.disconnected = True  # so it is for the application, and what it sends is dropped
            active.waiting_for_100_continue = False
            active.message_event.set()
        self.pipeline.clear()
        is_due = not active.response_started if active else self._receiving is not Phase.BODY
        if is_due:
            self.transport.write(RESPONSES[refusal])

    def _settle(self) -> None:
        """Go on to the phase that we are in by now, if it is another."""
        is_answered = self._active is None or self._active.response_complete
        if is_answered and self._active and self._receiving is not Phase.HEADERS:
            self._connections.release(self)
        phase = self._phase(is_answered=is_answered)
        if phase is not self.phase:
            self._connections.enter(self, phase)

    def _phase(self, *, is_answered: bool) -> Phase:
        if is_answered:
            return self._receiving or (Phase.IDLE if self._active else Phase.HEADERS)
        if self._receiving is Phase.BODY and not self.pipeline:
            return Phase.BODY
        return Phase.RESPONSE
