"""Count what comes of messages with each receiver and each control: `python -m tests.receivers`.

Postroom's calls are lost, overlap, and are cut by the death of the receiver. The table is in
docs/applications/README.md.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from postroom.adapters.embedded import EmbeddedPostgres
from tests.receivers.calls import new_key
from tests.receivers.conformance import (
    await_commit,
    is_taken,
    passes_the_check_of_the_product,
)
from tests.receivers.link import Moment
from tests.receivers.programs import ALL, Program
from tests.receivers.rig import Rig, running
from tests.receivers.test_controls import FOUND_BY, control

OF_EACH = 10
"""Messages of each fate."""


async def called_once(rig: Rig, key: str) -> None:
    await rig.call_until_taken(key)


async def answer_lost(rig: Rig, key: str) -> None:
    await rig.call(key)
    await rig.call_until_taken(key)


async def called_twice_at_once(rig: Rig, key: str) -> None:
    await asyncio.gather(rig.call(key), rig.call(key))


async def killed_before_the_commit(rig: Rig, key: str) -> None:
    await killed(rig, key, Moment.BEFORE_COMMIT)


async def killed_after_the_commit(rig: Rig, key: str) -> None:
    await killed(rig, key, Moment.AFTER_COMMIT)


async def killed(rig: Rig, key: str, moment: Moment) -> None:
    rig.link.break_at(moment, rig.process.kill)
    answer = await rig.call(key)
    await await_commit(rig)
    if not is_taken(answer):
        await rig.call_until_taken(key)


FATES: tuple[Callable[[Rig, str], Awaitable[None]], ...] = (
    called_once,
    answer_lost,
    called_twice_at_once,
    killed_before_the_commit,
    killed_after_the_commit,
)


async def row_of(program: Program, server_url: str, directory: Path) -> str:
    async with running(program, server_url, directory) as rig:
        found = await passes_the_check_of_the_product(rig)
        keys = [await meets(rig, fate) for fate in FATES for _ in range(OF_EACH)]
        counts = [rig.tickets(key) for key in keys]  # last, for who answers first, and files later
    lost, doubled = counts.count(0), sum(count > 1 for count in counts)
    said = found[0] if found else "nothing"
    return f"| {program} | {len(counts)} | {sum(counts)} | {lost} | {doubled} | {said} |"


async def meets(rig: Rig, fate: Callable[[Rig, str], Awaitable[None]]) -> str:
    """The key of a message that meets its *fate*."""
    if not rig.process.lives:
        await rig.process.start()
    key = new_key()
    await fate(rig, key)
    return key


async def count(names: Sequence[str], server_url: str, directory: Path) -> None:
    for program in (*ALL, *(control(name) for name in FOUND_BY)):
        if not names or program.name in names:
            print(await row_of(program, server_url, directory), flush=True)


def main(names: Sequence[str]) -> None:
    """Of all, or of those with these *names*."""
    with TemporaryDirectory(prefix="postroom-receivers-") as directory:
        home = Path(directory)
        home.chmod(0o755)  # PostgreSQL may run as nobody
        with EmbeddedPostgres(home / "postgres") as server:
            asyncio.run(count(names, server.url, home))


if __name__ == "__main__":
    main(sys.argv[1:])
