"""Mailboxes are added and seen from the command line, and their secrets are never told."""

import json
from pathlib import Path

import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import Ended, Postroom, in_container

IMAP = [
    *["mailbox", "add", "imap", "office", "--address", "office@acme.example", "--host", "mail.x"],
    "--no-check",
]
MICROSOFT = [
    *["mailbox", "add", "microsoft", "support", "--address", "support@acme.example"],
    *["--directory", "entra", "--client-id", "app", "--no-check"],
]
GOOGLE = [
    *["mailbox", "add", "google", "help", "--address", "help@acme.example"],
    *[
        "--pubsub-subscription",
        "projects/p/subscriptions/s",
        "--push-service-account",
        "push@p.example",
        "--no-check",
    ],
]
KEY = json.dumps(
    {
        "type": "service_account",
        "client_email": "reader@p.example",
        "private_key": "hush",
        "token_uri": "https://oauth2.example/token",
    }
)
ADDED = "What arrives from now on is handled.\n"


def stored(mailbox: str, tenant: str = "default") -> Mailbox:
    """The mailbox as the registry has it."""
    found: list[Mailbox] = []

    async def get(wired: Wired) -> None:
        found.extend(filter(None, [await wired.registry.get(tenant, mailbox)]))

    in_container(get)
    return found[0]


def add_imap(postroom: Postroom, *more: str) -> Ended:
    return postroom(*IMAP, *more, "--password-file", "-", stdin="hush\n")


# --- Added


def test_an_imap_mailbox_is_added_with_its_password_from_standard_input(
    postroom: Postroom,
) -> None:
    ended = postroom(*IMAP, "--password-file", "-", stdin="hush\n")

    assert (ended.code, ended.out, ended.err) == (0, f"default/office is added. {ADDED}", "")
    assert stored("office").account == ImapAccount(
        host="mail.x", port=993, username="office@acme.example", password=Secret("hush")
    )


def test_whatever_is_particular_about_an_imap_mailbox_can_be_said(postroom: Postroom) -> None:
    ended = add_imap(
        postroom,
        *["--port", "143", "--security", "starttls", "--username", "clerk"],
        *["--folder", "INBOX", "--folder", "Orders", "--tenant", "acme"],
    )

    assert ended.code == 0
    assert stored("office", "acme").account == ImapAccount(
        host="mail.x",
        port=143,
        username="clerk",
        password=Secret("hush"),
        security=Security.STARTTLS,
        folders=("INBOX", "Orders"),
    )


def test_a_microsoft_mailbox_is_added_with_its_secrets_from_files(
    postroom: Postroom, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush\n")

    ended = postroom(*MICROSOFT, "--client-secret-file", "secret")

    assert (ended.code, ended.out, ended.err) == (0, f"default/support is added. {ADDED}", "")
    assert stored("support").account == MicrosoftAccount(
        directory="entra",
        client_id="app",
        credentials=ClientSecret(Secret("hush")),
        user="support@acme.example",
    )


def test_a_google_mailbox_is_added_with_its_key_from_a_file(
    postroom: Postroom, tmp_path: Path
) -> None:
    (tmp_path / "key.json").write_text(KEY)

    ended = postroom(*GOOGLE, "--service-account-file", "key.json")

    assert (ended.code, ended.out, ended.err) == (0, f"default/help is added. {ADDED}", "")
    assert stored("help").account == GoogleAccount(
        service_account=Secret(KEY),
        pubsub_subscription="projects/p/subscriptions/s",
        push_service_account="push@p.example",
    )


def test_a_secret_may_come_from_the_environment(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_PASSWORD", "hush\n")

    ended = postroom(*IMAP)

    assert (ended.code, ended.out, ended.err) == (0, f"default/office is added. {ADDED}", "")
    account = stored("office").account
    assert isinstance(account, ImapAccount)
    assert account.password == Secret("hush")


def test_a_secret_that_is_not_given_is_asked_for_and_not_echoed(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which turns the echo of a real terminal off.
    monkeypatch.setattr("getpass.getpass", lambda _: "hush")

    ended = postroom(*IMAP)

    assert ended.code == 0
    assert ended.out.startswith("Password:")
    assert "hush" not in ended.out + ended.err
    account = stored("office").account
    assert isinstance(account, ImapAccount)
    assert account.password == Secret("hush")


# --- Seen


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_is_shown_of_a_mailbox_has_no_secret_in_it(
    postroom: Postroom, options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(KEY)
    add_imap(postroom)
    postroom(*MICROSOFT, "--client-secret-file", "secret")
    postroom(*GOOGLE, "--service-account-file", "secret")

    shown = [
        postroom("mailbox", "list", *options),
        *(postroom("mailbox", "show", name, *options) for name in ("office", "support", "help")),
    ]

    assert [ended.code for ended in shown] == [0] * 4
    assert not any("hush" in ended.out for ended in shown)


def test_mailboxes_are_listed_of_all_tenants_or_of_one(postroom: Postroom) -> None:
    add_imap(postroom)
    add_imap(postroom, "--tenant", "acme")

    header, *lines = postroom("mailbox", "list").out.splitlines()

    assert header.split() == ["tenant", "mailbox", "provider", "address", "state"]
    assert [line.split() for line in lines] == [
        ["acme", "office", "imap", "office@acme.example", "receiving"],
        ["default", "office", "imap", "office@acme.example", "receiving"],
    ]
    [one] = postroom("mailbox", "list", "--tenant", "acme", "--json").json
    assert one["tenant"] == "acme"


def test_a_mailbox_is_shown_line_by_line_or_as_json(postroom: Postroom) -> None:
    add_imap(postroom, "--folder", "INBOX", "--folder", "Orders")

    told = postroom("mailbox", "show", "office").out.splitlines()
    parsed = postroom("mailbox", "show", "office", "--json").json

    assert "host         mail.x" in told
    assert any(line.startswith("added (UTC)  20") for line in told)
    assert any(line.startswith("Orders") for line in told)
    assert parsed["account"] == {
        "host": "mail.x",
        "port": "993",
        "username": "office@acme.example",
        "security": "tls",
    }
    assert [folder["name"] for folder in parsed["folders"]] == ["INBOX", "Orders"]
    assert parsed["address"] == "office@acme.example"


# --- Refused


def test_a_mailbox_that_cannot_be_read_is_not_added(postroom: Postroom) -> None:
    arguments = [each for each in IMAP if each != "--no-check"]

    ended = postroom(*arguments, "--password-file", "-", stdin="hush")

    assert ended.failure.startswith("signing in: ")
    assert postroom("mailbox", "list", "--json").json == []


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "imaps"), ("--security", "ssl"), ("--folder", "")]
)
def test_an_option_that_makes_no_sense_is_wrong_usage(
    postroom: Postroom, option: str, value: str
) -> None:
    ended = postroom(*IMAP, option, value, "--password-file", "-", stdin="hush")

    assert ended.code == 2
    assert option.removeprefix("--") in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", ["add", "reconnect"])
def test_an_unknown_provider_is_told_with_those_that_there_are(
    postroom: Postroom, command: str
) -> None:
    ended = postroom("mailbox", command, "pigeon", "office")

    assert ended.code == 2
    assert ended.err.endswith(
        "Error: there is no provider 'pigeon'; choose one of: google, imap, microsoft\n"
    )


def test_a_mailbox_is_added_once(postroom: Postroom) -> None:
    add_imap(postroom)

    assert "a mailbox of that name" in add_imap(postroom).failure


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Front Desk", "--address", "a@b.example"], "mailbox 'Front Desk': use 1 to 63 of"),
        (["office", "--address", "office"], "address 'office': use a full e-mail address"),
        (["office", "--address", "a@b.example", "--tenant", "A"], "tenant 'A': use 1 to 63 of"),
    ],
)
def test_an_invalid_mailbox_is_refused(postroom: Postroom, arguments: list[str], told: str) -> None:
    ended = postroom(
        *["mailbox", "add", "imap", *arguments, "--host", "mail.x", "--password-file", "-"],
        "--no-check",
        stdin="hush",
    )

    assert told in ended.failure
    assert postroom("mailbox", "list", "--json").json == []


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("nowhere", "Password: cannot read nowhere: No such file or directory"),
        ("blank", "Password: blank is empty"),
        ("binary", "Password: cannot read binary: it is not text"),
        ("-", "Password: standard input is empty"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told(
    postroom: Postroom, tmp_path: Path, file: str, told: str
) -> None:
    (tmp_path / "blank").write_text("\n")
    (tmp_path / "binary").write_bytes(b"hush\xff")

    failure = postroom(*IMAP, "--password-file", file).failure

    assert failure == told
    assert "hush" not in failure


def test_an_unknown_mailbox_is_told(postroom: Postroom) -> None:
    failure = postroom("mailbox", "show", "office").failure

    assert failure == "the tenant default has no mailbox office; see: postroom mailbox list"
