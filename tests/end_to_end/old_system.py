"""A system that handles mail already: it reads by IMAP, has a queue, and says what it has handled.

It is none of ours: Python's own client, a thread, and a list in memory.
"""

import csv
import imaplib
import io
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

EVERY = 0.1
"""Seconds between two looks into the mailboxes; and so long a message lies in the queue."""


@dataclass(frozen=True)
class Handled:
    message_id: str
    mailbox: str
    at: datetime


@dataclass
class OldSystem:
    """*passwords* are those of the mailboxes, by user and address at once.

    *elsewhere* are ids of messages that it leaves alone, since another system has handled them.
    """

    port: int
    passwords: dict[str, str]
    effects: Counter[str] = field(default_factory=Counter)
    handled: list[Handled] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    _last: Counter[str] = field(default_factory=Counter)
    _queue: deque[tuple[str, str]] = field(default_factory=deque)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Read no more, and let the queue run empty."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def export(self, file: Path, since: datetime) -> None:
        """What it has handled from *since* on."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(("message_id", "mailbox", "handled_at"))
        for each in self.handled:
            if each.at >= since:
                rows.writerow((each.message_id, each.mailbox, each.at.isoformat()))
        file.write_text(text.getvalue())

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self._handle()  # what was queued the last time
            for user in self.passwords:
                self._read(user)
        self._handle()

    def _handle(self) -> None:
        while self._queue:
            message_id, mailbox = self._queue.popleft()
            if message_id not in self.elsewhere:
                self.effects[message_id] += 1
                self.handled.append(Handled(message_id, mailbox, datetime.now(UTC)))

    def _read(self, user: str) -> None:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as session:
            session.login(user, self.passwords[user])
            session.select("INBOX", readonly=True)
            _, found = session.uid("FETCH", f"{self._last[user] + 1}:*", "(UID BODY.PEEK[])")
            for part in found:
                if isinstance(part, tuple) and (uid := _uid(part[0])) > self._last[user]:
                    self._queue.append((message_from_bytes(part[1])["Message-ID"], user))
                    self._last[user] = uid


def _uid(line: bytes) -> int:
    """Of the answer to a FETCH; of `n:*`, the last message is a part, whatever n is."""
    found = re.search(rb"UID (\d+)", line)
    assert found
    return int(found[1])
