"""The process that a queue is measured in: `python -m benchmarks.peers.saq enqueue --url …`.

It does one thing and prints what came of it, as one line of JSON. BullMQ's, in benchmarks/node,
takes the same arguments.
"""

import argparse
import json
import logging
import os
from pathlib import Path
from typing import Any

from benchmarks.peer import BlockingPeer, Peer
from benchmarks.probe import Assignment, Probe
from benchmarks.producing import Awaited, Blocking, Load


def run(peer: type[Peer[Any]] | type[BlockingPeer]) -> None:
    options = _parser().parse_args()
    logging.basicConfig(level=logging.ERROR)
    queue = peer(options.url)
    if options.command == "work":
        queue.work(Probe(_assignment(options)), options.concurrency)
        return
    print(json.dumps(_produce(queue, options.command, _load(options))), flush=True)
    os._exit(0)  # some clients take their time to part


def _produce(queue: Peer[Any] | BlockingPeer, command: str, load: Load) -> dict[str, float]:
    if isinstance(queue, BlockingPeer):
        queue.open()
        told: dict[str, float] = getattr(Blocking(queue, load), command)()
        return told

    import uvloop  # noqa: PLC0415 - those who block have no use for it

    return uvloop.run(_awaited(queue, command, load))


async def _awaited(queue: Peer[Any], command: str, load: Load) -> dict[str, float]:
    await queue.open()
    told: dict[str, float] = await getattr(Awaited(queue, load), command)()
    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["enqueue", "batch", "fill", "pace", "work"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--jobs", type=int, default=0)
    load = parser.add_argument_group("to produce")
    load.add_argument("--seconds", type=float, default=0)
    load.add_argument("--callers", type=int, default=1)
    load.add_argument("--size", type=int, default=100)
    load.add_argument("--rate", type=float, default=0)
    load.add_argument("--first", type=int, default=1)
    load.add_argument("--lane", help="tenant/mailbox")
    work = parser.add_argument_group("to work")
    work.add_argument("--concurrency", type=int, default=1)
    work.add_argument("--report", type=Path)
    work.add_argument("--journal", type=Path)
    work.add_argument("--works", action="store_true")
    work.add_argument("--timed", action="store_true")
    return parser


def _load(options: argparse.Namespace) -> Load:
    tenant, slash, mailbox = (options.lane or "").partition("/")
    return Load(
        jobs=options.jobs,
        seconds=options.seconds,
        callers=options.callers,
        size=options.size,
        rate=options.rate,
        first=options.first,
        lane=(tenant, mailbox) if slash else None,
    )


def _assignment(options: argparse.Namespace) -> Assignment:
    return Assignment(
        report=options.report,
        expected=options.jobs,
        works=options.works,
        timed=options.timed,
        journal=options.journal,
    )
