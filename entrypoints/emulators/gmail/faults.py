"""What is to go wrong: planned by a test, met by calls."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from postroom.entrypoints.emulators.loopback import AsgiApp

_FAULT = "postroom.fault"


class Hang(Exception):
    """Give no answer until `Faults.release`; what was asked for is done."""


@dataclass
class Drip(Exception):
    """Send the answer byte by byte, with *seconds* between."""

    seconds: float


class Cut(Exception):
    """Send a half of the answer, and drop the connection."""


@dataclass
class _Planned:
    """Befalls each *every*-th call for *target*, *times* in all; *met* counts them."""

    target: str
    fault: Exception
    times: int
    every: int
    met: int = 0

    def strikes(self) -> bool:
        self.met += 1
        return self.met % self.every == 0


class Faults:
    """Each is aimed at a method (`messages.get`, `subscriptions.pull`, `token`, …) or a
    message's id.
    """

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self._planned: list[_Planned] = []
        self._released = asyncio.Event()
        self._hanging = asyncio.Event()

    def plan(self, target: str, fault: Exception, times: int, every: int = 1) -> None:
        self._planned.append(_Planned(target, fault, times, every))

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._planned.clear()

    def release(self) -> None:
        """Let go what hangs, now and from now on."""
        self._released.set()

    async def hanging(self) -> None:
        """Wait until something hangs."""
        await self._hanging.wait()

    def meet(self, scope: Any, names: Collection[str]) -> None:  # noqa: ANN401 - see AsgiApp
        """Count the call, and use up the first fault that is aimed at any of *names*.

        A refusal is raised; what else befalls the answer is left in *scope*, for `around`.
        """
        self.calls.update(names)
        fault = self._strike(names)
        if isinstance(fault, Hang | Drip | Cut):
            scope[_FAULT] = fault
        elif fault:
            raise fault

    def around(self, app: AsgiApp) -> AsgiApp:
        """*app*, whose answers meet what was left for them."""

        async def respond(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - see AsgiApp
            async def send_faulty(message: Any) -> None:  # noqa: ANN401
                match scope.get(_FAULT):
                    case Hang():
                        self._hanging.set()
                        await self._released.wait()
                    case Drip(seconds) if message["type"] == "http.response.body":
                        await _drip(message["body"], seconds, send)
                        message = {**message, "body": b""}
                    case Cut() if message["type"] == "http.response.body":
                        half = message["body"][: len(message["body"]) // 2]
                        await send({**message, "body": half, "more_body": True})
                        raise ConnectionResetError
                await send(message)

            await app(scope, receive, send_faulty)

        return respond

    def _strike(self, names: Collection[str]) -> Exception | None:
        for planned in self._planned:
            if planned.target in names and planned.strikes():
                planned.times -= 1
                if not planned.times:
                    self._planned.remove(planned)
                return planned.fault
        return None


async def _drip(body: bytes, seconds: float, send: Any) -> None:  # noqa: ANN401 - see AsgiApp
    for byte in range(len(body)):
        chunk = body[byte : byte + 1]
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(seconds)
