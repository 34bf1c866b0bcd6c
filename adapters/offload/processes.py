"""Does small work at once, and large work in a process, which is ended if it takes too much.

A process is started when there is work for it, does one work after the other, and ends when there
has been none for a while. What each kind of work may hold of them is its own: a flood of HTML holds
up no reading of mail.
"""

import asyncio
import signal
import sys
from asyncio import IncompleteReadError, Semaphore, TimerHandle
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from postroom.adapters.offload.wire import Request, Response, pack, read_response
from postroom.application.ports import ArgumentT, Kind, Offload, ResultT
from postroom.domain.failure import Contended, StoreUnavailable, Unavailable, Unprocessable

MEBIBYTE = 2**20

_NAMES = {Kind.MAIL: "the message", Kind.HTML: "the HTML of the message"}

_OWN = {
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGPROF,
    signal.SIGSEGV,
    signal.SIGSYS,
}
"""What the work of a process brings upon it. All others come from outside: SIGKILL is also the
kernel's, when the machine's memory is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one work. *in_line* is up to how many bytes it is done at once.

    It may take *seconds* of processor time, and *memory* bytes, and so much more for each MiB and
    each byte that it is about. *patience* times as long it may take by the clock: on a machine that
    is short of processors, no message is at fault.

    Measured (ADR 0040): 50 MiB take 3 seconds and 430 MiB at the most.
    """

    in_line: int
    seconds: float = 5.0
    seconds_per_mebibyte: float = 0.5
    memory: int = 256 * MEBIBYTE
    memory_per_byte: int = 16
    patience: int = 10

    def seconds_for(self, size: int) -> float:
        return self.seconds + self.seconds_per_mebibyte * size / MEBIBYTE

    def memory_for(self, size: int) -> int:
        return self.memory + self.memory_per_byte * size


class Processes(Offload):
    """*each* is how many processes a kind of work may hold; they end after *idle_for*."""

    def __init__(
        self,
        limits: Mapping[Kind, Limits],
        *,
        each: int = 2,
        idle_for: timedelta = timedelta(minutes=1),
    ) -> None:
        self._limits = limits
        self._turns = {kind: Semaphore(each) for kind in limits}
        self._idle_for = idle_for.total_seconds()
        self._idle: dict[Process, TimerHandle] = {}

    async def __call__(
        self, kind: Kind, work: Callable[[ArgumentT], ResultT], argument: ArgumentT, *, size: int
    ) -> ResultT:
        limits = self._limits[kind]
        if size <= limits.in_line:
            return work(argument)
        seconds, memory = limits.seconds_for(size), limits.memory_for(size)
        async with self._turns[kind]:
            try:
                async with asyncio.timeout(limits.patience * seconds):
                    response = await self._respond(Request(work, argument, seconds, memory))
            except TimeoutError:
                raise Contended(
                    f"{_NAMES[kind]} was not read in time: the machine is busy"
                ) from None
            except _Died as death:
                raise _failure_of(death.signal, _NAMES[kind], seconds) from None
        if isinstance(response.error, MemoryError):
            needs = f"takes more than {memory // MEBIBYTE} MiB of memory to read"
            raise Unprocessable(f"{_NAMES[kind]} {needs}")
        if response.error:
            raise response.error
        result: ResultT = response.result
        return result

    async def aclose(self) -> None:
        """End the processes. To be called when none is at work any more."""
        idle, self._idle = self._idle, {}
        for process, expiry in idle.items():
            expiry.cancel()
            await _end(process)

    async def _respond(self, request: Request) -> Response:
        """From a process that is there, or from a new one if that is killed by somebody else."""
        try:
            return await self._response_of(self._reuse() or await _start(), request)
        except _Died as death:
            if death.signal in _OWN:
                raise
            return await self._response_of(await _start(), request)

    async def _response_of(self, process: Process, request: Request) -> Response:
        try:
            response = await _exchange(process, request)
        except BaseException:  # whatever it is, the process may still be at work
            await _end(process)
            raise
        if isinstance(response.error, MemoryError):
            await _end(process)
        else:
            self._put_back(process)
        return response

    def _reuse(self) -> Process | None:
        while self._idle:
            process, expiry = self._idle.popitem()
            expiry.cancel()
            if process.returncode is None:
                return process
        return None

    def _put_back(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        self._idle[process] = loop.call_later(self._idle_for, self._retire, process)

    def _retire(self, process: Process) -> None:
        del self._idle[process]
        assert process.stdin
        process.stdin.close()


class _Died(Exception):
    """The process was ended by a *signal*."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number)
        self.signal = number


async def _start() -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "postroom.adapters.offload.child"),
            stdin=PIPE,
            stdout=PIPE,
            limit=MEBIBYTE,
        )
    except OSError as error:
        name = type(error).__name__
        raise StoreUnavailable(f"no process to read mail in could be started: {name}") from error


async def _exchange(process: Process, request: Request) -> Response:
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(pack(request))
        await process.stdin.drain()
        return await read_response(process.stdout)
    except (ConnectionError, IncompleteReadError):
        code = await process.wait()
        if code >= 0:
            reason = f"the process that reads mail ended with exit code {code}"
            raise StoreUnavailable(reason) from None
        raise _Died(signal.Signals(-code)) from None


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    assert process.stdin
    process.stdin.close()
    await process.wait()


def _failure_of(number: signal.Signals, what: str, seconds: float) -> Exception:
    """Whose failure it is that the process has died by the signal of this *number*."""
    if number is signal.SIGPROF:
        return Unprocessable(f"{what} takes more than {seconds:.0f} s of processor time to read")
    if number in _OWN:
        return Unprocessable(f"{what} ends the process that reads it ({number.name})")
    return Unavailable(f"two processes that read {what} were ended ({number.name})")
