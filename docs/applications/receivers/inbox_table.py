"""A program without a web server: it takes its mail from the table `postroom_inbox`.

pip install 'psycopg[binary]'
DATABASE_URL=postgresql://… python inbox_table.py      # as many of these as you like
"""

import os
import sys
import time
from typing import Any

import psycopg
from psycopg import Connection

TAKE = """
SELECT key, body FROM postroom_inbox WHERE done_at IS NULL AND key <> ALL(%s)
ORDER BY handed_over_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
LOOKS_AFTER = 10
"""Seconds after which it looks without a notification: for what another program gave up."""

TRIES_AGAIN_AFTER = 60
"""Seconds, for a row whose effect has failed; the others go first."""

Failed = dict[str, float]
"""When a row that has failed is tried again, by its key."""


def serve(connection: Connection, failed: Failed) -> None:
    connection.execute("LISTEN postroom_inbox")  # before the first look, so that none is missed
    while True:
        if not take_one(connection, failed):
            for _ in connection.notifies(timeout=LOOKS_AFTER, stop_after=1):
                pass


def take_one(connection: Connection, failed: Failed) -> bool:
    """The effect and `done_at` in one transaction. False if there is no row to take."""
    waiting = [key for key, until in failed.items() if until > time.monotonic()]
    with connection.transaction():  # the row is locked for us until it ends
        row = connection.execute(TAKE, [waiting]).fetchone()
        if row is None:
            return False
        key, event = row
        try:
            with connection.transaction():  # a savepoint: what has failed leaves nothing
                file_ticket(connection, event["data"])
        except psycopg.OperationalError:
            raise  # the database has gone, and with it all of the transaction
        except Exception as error:  # noqa: BLE001 - one bad message must not hold up the others
            print(f"{key}: {error!r}, again in {TRIES_AGAIN_AFTER} s", file=sys.stderr)
            failed[key] = time.monotonic() + TRIES_AGAIN_AFTER
        else:
            connection.execute("UPDATE postroom_inbox SET done_at = now() WHERE key = %s", [key])
            failed.pop(key, None)
    return True


def file_ticket(connection: Connection, mail: dict[str, Any]) -> None:
    """Stands for your application. Whatever it writes, it writes on *connection*."""
    email = mail["email"]
    sender = email["from"][0]["email"] if email["from"] else None
    connection.execute(
        "INSERT INTO ticket (sender, subject) VALUES (%s, %s)", [sender, email["subject"]]
    )


def main() -> None:
    failed: Failed = {}
    while True:
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                serve(connection, failed)
        except psycopg.OperationalError as error:
            print(f"no database: {error}", file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()
