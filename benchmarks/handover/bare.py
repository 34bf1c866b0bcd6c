"""The least that hands messages over: `python -m benchmarks.handover.bare --url … --database …`.

So many callers post one body after another with httpx, and commit a row for each. Prints the
seconds that all of it has taken.
"""

import argparse
import asyncio
from collections.abc import Iterator

import httpx
import psycopg

_TABLE = "public.bare_handover"
_MAKE = f"DROP TABLE IF EXISTS {_TABLE}; CREATE TABLE {_TABLE} (number integer PRIMARY KEY)"
_INSERT = f"INSERT INTO {_TABLE} VALUES (%s)"  # noqa: S608 - a constant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--callers", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    print(asyncio.run(_run(parser.parse_args())))


async def _run(given: argparse.Namespace) -> float:
    connections = [
        await psycopg.AsyncConnection.connect(given.database, autocommit=True)
        for _ in range(given.callers)
    ]
    await connections[0].execute(_MAKE)
    numbers, body = iter(range(given.messages)), b"x" * given.bytes
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(trust_env=False) as client:
        began = loop.time()
        await asyncio.gather(
            *(_hand_over(client, each, given.url, body, numbers) for each in connections)
        )
        return loop.time() - began


async def _hand_over(
    client: httpx.AsyncClient,
    connection: psycopg.AsyncConnection,
    url: str,
    body: bytes,
    numbers: Iterator[int],
) -> None:
    for number in numbers:
        response = await client.post(url, content=body)
        response.raise_for_status()
        await connection.execute(_INSERT, [number])


if __name__ == "__main__":
    main()
