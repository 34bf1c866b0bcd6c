"""aioimaplib's IMAP protocol, with the holes closed that would lose time, mail or a secret.

* A lost connection wakes whoever waits for it. (Theirs tells nobody; issue 110 is one form of it.)
* A challenge of the server is answered, so that a refused login is told. (Theirs waits for ever.)
* Responses may have any number of lines. (Theirs recurses for each; issue 118.)
* What a command may receive is bounded.
* Data that breaks the protocol closes the connection. (Theirs raises, into asyncio's log, an error
  that shows the command in progress: with LOGIN, the password.)
* It logs nothing. (Theirs logs every byte for debugging, and what it ignores for information.)
"""

import asyncio
import logging
import re
import socket
from collections import deque
from collections.abc import Callable

from aioimaplib import aioimaplib

# It logs what is sent: passwords, and mail. Not `disabled`: whatever configures logging in this
# process (`dictConfig`, as uvicorn does by default) resets that, and no level.
logging.getLogger(aioimaplib.__name__).setLevel(logging.CRITICAL + 1)

LOST = "LOST"
"""The result of a command whose connection ended before its response came."""

_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""A peer that vanished without a word is noticed after two minutes."""

_FEW_LINES = re.compile(rb"(?:[^\n]*\n){1,100}|[^\n]+")
_EXISTS = re.compile(rb"\* \d+ EXISTS", re.IGNORECASE)
_BYE = re.compile(rb"\* BYE\b", re.IGNORECASE)


def ignore(_: int) -> None:
    """What has arrived is of no interest to anybody."""


class Protocol(aioimaplib.IMAP4ClientProtocol):
    """One connection's side of the protocol.

    *changed* is set when the server says that messages have come, or when the connection is *lost*.
    *continuations* are given to the server's continuation requests while logging in, one each.
    *arrived* is told how many bytes have come. *allowance* is how many may still come; one more,
    and *overrun* says why we hung up.
    """

    transport: asyncio.Transport  # type: ignore[assignment]  # upstream's hint is None
    state: str

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.greeting = b""
        self.greeted = asyncio.Event()
        self.lost = asyncio.Event()
        self.changed = asyncio.Event()
        self.continuations: deque[bytes] = deque()
        self.arrived: Callable[[int], None] = ignore
        self.allowance = 2**16
        self.overrun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if option := getattr(socket, name, None):  # their names differ between systems
                connected.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, d: bytes) -> None:
        self.arrived(len(d))
        self.allowance -= len(d)
        self.overrun = self.allowance < 0
        try:
            if not self.overrun:
                for lines in _FEW_LINES.finditer(d):
                    super().data_received(lines[0])
                return
        except Exception:  # noqa: BLE001, S110 - whatever a hostile server provokes in the library
            pass
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        pending = [*self.pending_async_commands.values(), self.pending_sync_command]
        self.pending_async_commands.clear()
        self.pending_sync_command = None
        for event in (self.lost, self.changed, self.greeted):
            event.set()
        for command in filter(None, pending):
            command.close(b"connection lost", LOST)
        super().connection_lost(exc)

    async def idle_began(self) -> None:
        """Wait until the server has answered IDLE by its `+`."""
        await self._idle_event.wait()

    def _handle_line(
        self, line: bytes, current_cmd: aioimaplib.Command
    ) -> aioimaplib.Command | None:
        if self.state == aioimaplib.CONNECTED:
            self.greeting, self.state = line, aioimaplib.NONAUTH
            self.greeted.set()
            return None
        return super()._handle_line(line, current_cmd)

    def _response_done(self, line: bytes) -> None:
        command = self.pending_sync_command
        super()._response_done(line)
        if command is not None and command.name == "EXAMINE":
            self.changed.clear()  # what was announced by now was there when the folder was opened

    def _untagged_response(self, line: bytes) -> aioimaplib.Command:
        if _EXISTS.match(line):
            self.changed.set()
        if _BYE.match(line):
            self.transport.abort()  # the server will not say another word
        return super()._untagged_response(line)

    def _continuation(self, line: bytes) -> None:
        command = self.pending_sync_command
        if command is not None and command.name in ("LOGIN", "AUTHENTICATE"):
            # An empty reply to what we did not expect fetches the refusal (RFC 7628 section 3.2.3)
            reply = self.continuations.popleft() if self.continuations else b""
            self.transport.write(reply + b"\r\n")
        else:
            super()._continuation(line)
