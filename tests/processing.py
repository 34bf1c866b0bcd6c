"""Messages handled by a Python processor in a ledger block, over a real PostgreSQL."""

import asyncio
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.ledger import PostgresIdempotencyLedger
from postroom.adapters.postgres.ledger_connections import PostgresLedgerConnections
from postroom.application.call_processor import CallProcessor, ProcessorEvents
from postroom.application.ports import Clock, FetchedMessage
from postroom.application.ports.messages import Processed
from postroom.application.processing import Done, Handover, Mail, Process
from postroom.application.processor_health import ProcessorHealth
from postroom.application.processor_mail import ReadForProcessor
from postroom.domain.mail.message import InboundMessage
from tests.contracts.samples import JOB, NOON, imap_mailbox
from tests.reading import read_inbound

MAILBOX = imap_mailbox()
EXAMPLE = Path(__file__).parents[1] / "docs" / "applications" / "processor"


def mail(name: str = "a", *, author: str = "From: Ann <ann@sender.example>\r\n") -> InboundMessage:
    raw = (
        f"{author}"
        f"Message-ID: <{name}@x>\r\nSubject: About {name}\r\n"
        "Content-Type: multipart/mixed; boundary=next\r\n\r\n"
        "--next\r\nContent-Type: text/html\r\n\r\n<p onclick=x>Hello</p>\r\n"
        "--next\r\nContent-Disposition: attachment; filename=a.bin\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
        "--next--\r\n"
    )
    return read_inbound(FetchedMessage(f"imap:INBOX:1:{name}", raw.encode(), NOON))


async def insert(mail: Mail, handover: Handover) -> Done:
    """The effect, in the table of the example."""
    row = await handover.connection.execute(
        "INSERT INTO tickets.ticket (sender, subject, body, files) VALUES (%s, %s, %s, 0)"
        " RETURNING number",
        [mail.email.from_[0].email, mail.email.subject, mail.content.text],
    )
    (number,) = await row.fetchone()
    return Done(str(number))


def prepare_example(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("DROP SCHEMA IF EXISTS tickets CASCADE")
        connection.execute((EXAMPLE / "schema.sql").read_bytes())


def install_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as an installer leaves it: its module on the path, and what it says of itself."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = tmp_path / "ticket_processor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE))


def subjects(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT subject FROM tickets.ticket ORDER BY number").fetchall()
    return [subject for (subject,) in rows]


@dataclass
class Failures(ProcessorEvents):
    charged: list[tuple[str, bool]] = field(default_factory=list)

    def failed(self, processor: str, error: Exception, *, charged: bool) -> None:  # noqa: ARG002
        self.charged.append((type(error).__name__, charged))


class Desk:
    """*process* as a processor, and a ledger to call it in."""

    def __init__(
        self, database: Database, process: Process, clock: Clock | None = None, places: int = 2
    ) -> None:
        self.ledger = PostgresIdempotencyLedger(database)
        self.failures = Failures()
        self.process = process
        clock = clock or SystemClock()
        self.processor = CallProcessor(
            name="tickets",
            load=lambda: self.process,
            read=ReadForProcessor(Nh3Sanitiser(), AtOnce(), clock),
            connections=PostgresLedgerConnections(database),
            places=asyncio.Semaphore(places),
            threads=ThreadPoolExecutor(2),
            health=ProcessorHealth(lambda: 0.0),
            events=self.failures,
            clock=clock,
        )

    async def handle(self, inbound: InboundMessage) -> Processed | None:
        """As `ConsumeJob` does; None if it was handled before."""
        process = await self.processor.prepare(MAILBOX, inbound, JOB)
        async with (
            self.processor.place(MAILBOX),
            self.ledger.once(MAILBOX, inbound.identity) as is_new,
        ):
            return await process() if is_new else None
