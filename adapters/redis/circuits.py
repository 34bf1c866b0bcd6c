"""The circuit breakers on Redis: one hash, by source."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pydantic import ConfigDict, TypeAdapter, ValidationError

from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.scripts import Scripts, no_offset
from postroom.adapters.redis.servers import Servers
from postroom.application.dead_letter_pages import microseconds, moment_after
from postroom.application.ports import LONGEST_SOURCE, MOST_CIRCUITS, CircuitStore
from postroom.domain.circuit import Circuit

_Packed = tuple[tuple[str, ...], int | None, int | None]
"""The lanes that failed, since when, and when to probe: in microseconds since 1970."""

_packed: TypeAdapter[_Packed] = TypeAdapter(_Packed, config=ConfigDict(strict=True))


class RedisCircuitStore(CircuitStore):
    """Keeps all under a key that begins with `{prefix:circuits}`; *ahead* is for tests.

    What cannot be read (another release may have written it) is forgotten.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        prefix: str = PREFIX,
        most: int = MOST_CIRCUITS,
        ahead: Callable[[], timedelta] = no_offset,
    ) -> None:
        root = f"{{{prefix}:circuits}}"
        self._scripts = Scripts(servers.holding(root), root, ahead)
        self._most = most

    async def load(self, source: str) -> tuple[Circuit, datetime]:
        now, stored = await self._scripts.run("circuit", source[:LONGEST_SOURCE])
        circuit = _unpack(stored)
        if circuit is None:
            await self._save(source, stored, b"")
        return circuit or Circuit(), moment_after(int(now))

    async def save(self, source: str, before: Circuit, after: Circuit) -> bool:
        return await self._save(source, _pack(before), _pack(after))

    async def _save(self, source: str, before: bytes, after: bytes) -> bool:
        name = source[:LONGEST_SOURCE]
        return bool(await self._scripts.run("save_circuit", name, before, after, self._most))

    async def all(self) -> Mapping[str, Circuit]:
        fields = await self._scripts.run("circuits")
        stored = {
            source.decode(): _unpack(circuit)
            for source, circuit in zip(fields[::2], fields[1::2], strict=True)
        }
        return {source: circuit for source, circuit in stored.items() if circuit}


def _pack(circuit: Circuit) -> bytes:
    """Empty for an empty one."""
    if circuit == Circuit():
        return b""
    since, probe_at = circuit.failing_since, circuit.probe_at
    moments = [moment and microseconds(moment) for moment in (since, probe_at)]
    return json.dumps([circuit.failed, *moments]).encode()


def _unpack(stored: bytes) -> Circuit | None:
    """None if it cannot be read."""
    if not stored:
        return Circuit()
    try:
        failed, *moments = _packed.validate_json(stored)
        since, probe_at = (None if at is None else moment_after(at) for at in moments)
    except (ValidationError, OverflowError):
        return None
    return Circuit(failed, since, probe_at)
