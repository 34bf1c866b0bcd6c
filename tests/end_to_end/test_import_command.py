"""`postroom import` on real servers: whole, or not at all, and once."""

import json
from pathlib import Path
from typing import Any

import pytest

from postroom.adapters.imap.account import ImapAccount
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired
from tests.contracts.samples import NOON
from tests.end_to_end.command_rig import Postroom, in_container

HEADER = {"type": "export", "version": 1, "handled_since": "2026-11-24T00:00:00Z"}
OFFICE: dict[str, Any] = {
    "type": "mailbox",
    "tenant": "acme",
    "id": "office",
    "address": "office@acme.example",
    "provider": "imap",
    "account": {"host": "mail.x"},
    "secrets": {"password": {"env": "OFFICE_PASSWORD"}},
    "positions": {"INBOX": "17:4711"},
}
SALES = {**OFFICE, "id": "sales", "address": "sales@acme.example", "positions": {}}
HANDLED = {"type": "handled", "message_id": "<a@x>", "handled_at": "2030-01-01T12:05:00Z"}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", "hush")


def write(tmp_path: Path, *lines: object) -> str:
    file = tmp_path / "export.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in (HEADER, *lines)))
    return str(file)


def test_mailboxes_are_imported_with_what_was_handled_of_them(
    postroom: Postroom, tmp_path: Path
) -> None:
    file = write(tmp_path, OFFICE, HANDLED, SALES)

    ended = postroom("import", file, "--json")

    assert ended.code == 0
    assert ended.json["mailboxes"] == [
        {
            "tenant": "acme",
            "mailbox": "office",
            "provider": "imap",
            "result": "added",
            "handled": 1,
            "positions": 1,
        },
        {
            "tenant": "acme",
            "mailbox": "sales",
            "provider": "imap",
            "result": "added",
            "handled": 0,
            "positions": 0,
        },
    ]
    in_container(_look)

    again = postroom("import", file, "--json")
    assert [each["result"] for each in again.json["mailboxes"]] == ["imported before"] * 2


async def _look(wired: Wired) -> None:
    office, sales = await wired.registry.all(tenant="acme")
    assert isinstance(office.account, ImapAccount)
    assert office.account.password.value == "hush"
    syncs = await wired.folder_syncs.all(tenant="acme")
    assert [(each.mailbox, each.position) for each in syncs] == [
        ("office", "17:4711"),
        ("sales", ""),
    ]
    assert not await _is_new(wired, office)
    assert await _is_new(wired, sales)


async def _is_new(wired: Wired, mailbox: Mailbox) -> bool:
    identity = MessageIdentity("rfc5322:a@x", "imap:INBOX:1:7", "digest")
    async with wired.consume.ledger.once(mailbox, identity, NOON) as new:
        return new


def test_a_file_with_anything_wrong_in_it_imports_nothing(
    postroom: Postroom, tmp_path: Path
) -> None:
    bad = {**SALES, "account": {}}

    ended = postroom("import", write(tmp_path, OFFICE, HANDLED, bad, {"type": "?"}))

    assert ended.failure == (
        "2 lines cannot be imported: line 4: --host is missing;"
        " line 5: type is none of: export, mailbox, handled; nothing was imported"
    )
    assert postroom("mailbox", "list", "--json").json == []


def test_a_dry_run_imports_nothing(postroom: Postroom, tmp_path: Path) -> None:
    ended = postroom("import", write(tmp_path, OFFICE), "--dry-run")

    assert ended.code == 0
    assert ended.out.endswith("This was a dry run: nothing was imported.\n")
    assert postroom("mailbox", "list", "--json").json == []


def test_of_before_the_file_begins_nothing_is_known(postroom: Postroom, tmp_path: Path) -> None:
    ended = postroom("import", write(tmp_path, OFFICE), "--from", "2026-11-23T00:00:00Z")

    assert ended.code == 2
    assert "of before 2026-11-24T00:00:00Z the file does not say" in ended.err
