"""An IMAP mailbox's account, made of options."""

from dataclasses import replace

import pytest

from postroom.adapters.imap.account import OPTIONS, ImapAccount, ImapAccounts, Security
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount, Secret, UnreadableAccount

ADDRESS = "support@acme.example"
NEEDED: dict[str, OptionValue] = {"host": "imap.acme.example", "password": Secret("pass-word")}
EVERY: dict[str, OptionValue] = NEEDED | {
    "port": "143",
    "username": "support",
    "security": "starttls",
    "folder": ("INBOX", "Anfragen/Möbel"),
}


def created(**changes: OptionValue) -> ImapAccount:
    return ImapAccounts().create(ADDRESS, NEEDED | changes)


def test_an_account_is_made_of_its_options() -> None:
    account = ImapAccounts().create(ADDRESS, EVERY)

    assert {option.name for option in OPTIONS} == set(EVERY)
    assert account == ImapAccount(
        host="imap.acme.example",
        port=143,
        username="support",
        password=Secret("pass-word"),
        security=Security.STARTTLS,
        folders=("INBOX", "Anfragen/Möbel"),
    )


def test_what_is_not_given_is_as_it_mostly_is() -> None:
    assert created() == ImapAccount(
        host="imap.acme.example",
        port=993,
        username=ADDRESS,
        password=Secret("pass-word"),
        security=Security.TLS,
        folders=("INBOX",),
    )


def test_the_defaults_that_are_shown_are_those_that_are_used() -> None:
    shown = {option.name: option.default for option in OPTIONS if option.default}

    assert shown.pop("username") == "the address"
    assert created() == created(
        **{name: value for name, value in shown.items() if name != "folder"}
    )
    assert created().folders == (shown["folder"],)


def test_an_account_needs_no_route_and_shows_no_secret() -> None:
    account = created()

    assert (account.provider, account.route(ADDRESS)) == ("imap", "")
    assert "pass-word" not in repr(account)


def test_a_folder_that_is_given_twice_is_one() -> None:
    assert created(folder=("INBOX", "Orders", "INBOX")).folders == ("INBOX", "Orders")


@pytest.mark.parametrize(("name", "told"), [("host", "--host"), ("password", "the password")])
def test_an_option_that_is_missing_is_named(name: str, told: str) -> None:
    values = {given: value for given, value in NEEDED.items() if given != name}

    with pytest.raises(InvalidAccount, match=rf"^{told} is missing$"):
        ImapAccounts().create(ADDRESS, values)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "9" * 5000, "imaps", "99.3", "٣", " 993"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(InvalidAccount, match=r"^--port is not a number from 1 to 65535$"):
        created(port=port)


@pytest.mark.parametrize("port", [1, 65535])
def test_any_port_that_there_is_may_be_used(port: int) -> None:
    assert created(port=str(port)).port == port


def test_a_security_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidAccount, match=r"^--security is not one of tls, starttls, none$"):
        created(security="ssl")


def test_an_empty_folder_is_refused() -> None:
    with pytest.raises(InvalidAccount, match=r"^--folder is empty$"):
        created(folder=("INBOX", ""))


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
@pytest.mark.parametrize(
    ("name", "told"), [("username", "--username"), ("password", "the password")]
)
def test_what_no_login_can_hold_is_refused_untold(name: str, told: str, character: str) -> None:
    text = f"secret{character}word"

    with pytest.raises(InvalidAccount, match=rf"^{told} holds a line break or NUL$"):
        created(**{name: Secret(text) if name == "password" else text})


def test_another_password_replaces_nothing_but_the_password() -> None:
    account = ImapAccounts().create(ADDRESS, EVERY)

    reconnected = ImapAccounts().reconnect(account, {"password": Secret("other")})

    assert reconnected == replace(account, password=Secret("other"))


@pytest.mark.parametrize("values", [{}, {"password": Secret("")}, {"password": Secret("a\nb")}])
def test_what_is_no_other_password_is_refused(values: dict[str, OptionValue]) -> None:
    with pytest.raises(InvalidAccount, match=r"^the password"):
        ImapAccounts().reconnect(created(), values)


def test_an_account_of_another_provider_is_given_no_credentials() -> None:
    with pytest.raises(InvalidAccount):
        ImapAccounts().reconnect(UnreadableAccount("elsewhere", "no key"), NEEDED)
