"""The export of another system, as it is read for `postroom import`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postroom.adapters.crypto import generate_key
from postroom.domain.account import Secret
from postroom.entrypoints.cli import export_file
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.export_file import Entry, Export
from postroom.entrypoints.container.providers import provider_options
from postroom.entrypoints.container.secrets import unsealing
from postroom.entrypoints.settings import Settings

KEY = generate_key()
HEADER = {"type": "export", "version": 1, "handled_since": "2026-11-24T00:00:00Z"}
MAILBOX: dict[str, Any] = {
    "type": "mailbox",
    "tenant": "acme",
    "id": "office",
    "address": "office@acme.example",
    "provider": "imap",
    "account": {"host": "imap.acme.example", "port": 993, "folder": ["INBOX"]},
    "secrets": {"password": {"env": "OFFICE_PASSWORD"}},
    "positions": {"INBOX": "17:4711"},
}
HANDLED = {"type": "handled", "message_id": "<A@X.Example>", "handled_at": "2026-11-25T10:00:00Z"}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", "hush\n")


def write(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "export.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(texts) + "\n")
    return file


def entries(tmp_path: Path, *lines: object) -> Sequence[Entry]:
    """But for one that stands for what comes before the first mailbox, and says nothing."""
    export = Export.open(write(tmp_path, HEADER, *lines))
    unseal = unsealing(Settings(secret_keys=(KEY,)))  # type: ignore[arg-type] # as it comes
    found = export.entries(provider_options(), unseal)
    return [each for each in found if each.mailbox or each.bad]


def whys(found: Sequence[Entry]) -> list[str]:
    return [str(bad) for each in found for bad in each.bad]


def test_a_mailbox_comes_with_what_was_handled_of_it(tmp_path: Path) -> None:
    by_id = {"type": "handled", "source_id": "18c2", "handled_at": "2026-11-25T10:00:01Z"}
    other = {**MAILBOX, "id": "sales", "address": "sales@acme.example"}

    office, sales = entries(tmp_path, MAILBOX, HANDLED, by_id, other, HANDLED)

    assert office.line == 2
    assert office.mailbox
    assert office.mailbox.values == {
        "host": "imap.acme.example",
        "port": "993",
        "folder": ("INBOX",),
        "password": Secret("hush"),
    }
    assert office.mailbox.handled == {"rfc5322:A@x.example": datetime(2026, 11, 25, 10, tzinfo=UTC)}
    assert office.mailbox.ids == {"18c2"}
    assert office.mailbox.positions == {"INBOX": "17:4711"}
    assert sales.line == 5
    assert sales.mailbox
    assert sales.mailbox.ids == frozenset()


def test_of_two_under_one_message_id_the_later_moment_counts(tmp_path: Path) -> None:
    later = {**HANDLED, "handled_at": "2026-11-25T11:00:00Z"}

    [entry] = entries(tmp_path, MAILBOX, later, HANDLED)

    assert entry.mailbox
    assert list(entry.mailbox.handled.values()) == [datetime(2026, 11, 25, 11, tzinfo=UTC)]


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush from a file\n")
    secrets = {"password": {"file": str(tmp_path / "secret")}}

    [entry] = entries(tmp_path, {**MAILBOX, "secrets": secrets})

    assert entry.mailbox
    assert entry.mailbox.values["password"] == Secret("hush from a file")


def test_a_secret_may_be_encrypted_with_one_of_our_keys(tmp_path: Path) -> None:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - as another system does it

    token = Fernet(KEY).encrypt(b"hush, encrypted").decode()

    [entry] = entries(tmp_path, {**MAILBOX, "secrets": {"password": {"encrypted": token}}})

    assert entry.mailbox
    assert entry.mailbox.values["password"] == Secret("hush, encrypted")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"provider": "jmap"}, "provider is none of: google, imap, microsoft"),
        ({"provider": None}, "provider is missing"),
        ({"id": ""}, "id is missing"),
        ({"account": []}, "account is no JSON object"),
        ({"account": {"host": 7.5}}, "account: host is of a wrong type"),
        ({"account": {"folder": "INBOX"}}, "account: folder is of a wrong type"),
        ({"account": {"security": "hope"}}, "account: security is none of: tls, starttls, none"),
        ({"account": {"colour": "red"}}, "account: there is no option colour"),
        ({"account": {"password": "hush"}}, "account: there is no option password"),
        ({"secrets": {"host": {"env": "X"}}}, "secrets: there is no secret host"),
        ({"secrets": {"password": "hush"}}, "secrets: password is given by one of: env, file"),
        ({"secrets": {"password": {"env": "NOT_SET"}}}, "the variable NOT_SET is not set"),
        ({"secrets": {"password": {"file": "/nowhere/x"}}}, "cannot read /nowhere/x"),
        ({"secrets": {"password": {"encrypted": "gAAA"}}}, "was not encrypted with a key of"),
        ({"positions": {"INBOX": 7}}, "positions: a position is a text"),
        ({"type": "export"}, "a second export begins here"),
        ({"type": "ticket"}, "type is none of: export, mailbox, handled"),
    ],
)
def test_a_bad_mailbox_is_named_by_its_line_without_its_secrets(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    [told] = whys(entries(tmp_path, {**MAILBOX, **change}, HANDLED))

    assert told.startswith("line 2: ")
    assert why in told
    assert "hush" not in told


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({**HANDLED, "mailbox": "sales"}, "mailbox is another one than of the mailbox before it"),
        ({**HANDLED, "tenant": "globex"}, "tenant is another one than of the mailbox before it"),
        ({**HANDLED, "handled_at": "2026-11-25T10:00:00"}, "handled_at is no time with its zone"),
        ({"type": "handled", "handled_at": "2026-11-25T10:00:00Z"}, "source_id is missing"),
        ({**HANDLED, "message_id": "", "source_id": "x" * 513}, "source_id is too long"),
        ({**HANDLED, "message_id": "<>"}, "message_id is empty"),
        ("not json", "it is not JSON"),
    ],
)
def test_a_bad_line_of_what_was_handled_is_named(tmp_path: Path, line: object, why: str) -> None:
    [told] = whys(entries(tmp_path, MAILBOX, HANDLED, line))

    assert told.startswith("line 4: ")
    assert why in told


def test_what_was_handled_of_no_mailbox_is_named(tmp_path: Path) -> None:
    assert whys(entries(tmp_path, HANDLED)) == ["line 2: no mailbox stands before it"]


def test_what_was_handled_of_one_mailbox_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_file, "MAX_HANDLED", 1)
    second = {**HANDLED, "message_id": "b@x"}

    [told] = whys(entries(tmp_path, MAILBOX, HANDLED, second))

    assert told == "line 4: the mailbox has more than 1 handled messages"


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("", "it is not JSON"),
        ("not json", "it is not JSON"),
        (MAILBOX, "it is no export of version 1"),
        ({**HEADER, "version": 2}, "it is no export of version 1"),
        ({"type": "export", "version": 1}, "handled_since is"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, first: object, why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        Export.open(write(tmp_path, first))
