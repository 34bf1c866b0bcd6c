"""The inbox table, as Postroom fills it, in a database with a program that empties it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.receivers.calls import body_of
from tests.receivers.link import Link
from tests.receivers.programs import INBOX_TABLE
from tests.receivers.rig import Process, environment_of

TABLE = """
CREATE TABLE postroom_inbox (
    key text PRIMARY KEY, tenant text NOT NULL, mailbox text NOT NULL,
    received_at timestamptz NOT NULL, body jsonb NOT NULL,
    handed_over_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz
)
"""
HAND_OVER = """
INSERT INTO postroom_inbox (key, tenant, mailbox, received_at, body)
VALUES (%s, 'acme', 'support', now(), %s) ON CONFLICT (key) DO NOTHING
"""
COUNT = """
SELECT key, count(number) FROM postroom_inbox LEFT JOIN ticket ON subject = key
WHERE done_at IS NOT NULL GROUP BY key
"""


@dataclass(frozen=True)
class Inbox:
    url: str
    link: Link
    directory: Path
    programs: list[Process] = field(default_factory=list)

    def hand_over(self, keys: Sequence[str]) -> None:
        self.insert({key: body_of(key).decode() for key in keys})

    def insert(self, bodies: dict[str, str]) -> None:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(HAND_OVER, list(bodies.items()))
            cursor.execute("NOTIFY postroom_inbox")

    def tickets(self) -> dict[str, int]:
        """How many each key has of those that are done."""
        with psycopg.connect(self.url) as connection:
            return dict(connection.execute(COUNT).fetchall())

    def start(self) -> Process:
        log = self.directory / f"{len(self.programs)}.log"
        program = Process(INBOX_TABLE, environment_of(self.url, self.link), log)
        program.spawn()
        self.programs.append(program)
        return program

    @contextmanager
    def all_ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            for program in self.programs:
                program.kill()
