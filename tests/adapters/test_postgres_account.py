"""How an account is stored: without its secrets in the open, and readable by later releases."""

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest

from postroom.adapters.postgres.account import AccountFormat
from postroom.domain.account import Account, Secret, UnreadableAccount
from postroom.domain.failure import AccessFailed


@dataclass(frozen=True, slots=True)
class Token:
    token: Secret
    of: str = ""
    kind: Literal["token"] = "token"


@dataclass(frozen=True, slots=True)
class Password:
    password: Secret
    kind: Literal["password"] = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class JmapAccount(Account):
    """Of a provider whose accounts were stored with a folder, and a bare password, before."""

    session: str
    access: Token | Password
    pin: Secret | None = None
    folders: tuple[str, ...] = ("Inbox",)

    @property
    def provider(self) -> str:
        return "jmap"

    @classmethod
    def upgraded(
        cls, plain: dict[str, Any], secrets: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if "folder" not in plain:
            return plain, secrets
        plain = plain | {"access": {"kind": "password"}, "folders": [plain["folder"]]}
        del plain["folder"]
        return plain, {"access": {"password": secrets["password"]}}


ACCOUNT = JmapAccount(
    session="https://jmap.acme.example",
    access=Token(Secret("refresh-token"), "clerk@acme.example"),
    folders=("Inbox", "Anfragen/Möbel"),
)
FORMAT = AccountFormat({"jmap": JmapAccount})


@pytest.mark.parametrize(
    "account",
    [
        ACCOUNT,
        replace(ACCOUNT, access=Password(Secret("hush"))),
        replace(ACCOUNT, pin=Secret("1234")),
    ],
    ids=["token", "password", "two secrets"],
)
def test_an_account_of_any_shape_comes_back_as_it_was_stored(account: JmapAccount) -> None:
    plain, secrets = FORMAT.split(account)

    assert FORMAT.joined(json.loads(json.dumps(plain)), secrets) == account


def test_what_is_no_secret_is_stored_in_the_open_with_its_provider() -> None:
    plain, secrets = FORMAT.split(replace(ACCOUNT, pin=Secret("1234")))

    assert plain == {
        "provider": "jmap",
        "session": "https://jmap.acme.example",
        "access": {"kind": "token", "of": "clerk@acme.example"},
        "folders": ["Inbox", "Anfragen/Möbel"],
    }
    assert json.loads(secrets) == {"access": {"token": "refresh-token"}, "pin": "1234"}


def test_an_account_that_was_stored_without_what_has_a_default_is_read() -> None:
    plain = {"provider": "jmap", "session": "s", "access": {"kind": "token"}}

    read = FORMAT.joined(plain, b'{"access": {"token": "hush"}}')

    assert read == JmapAccount(session="s", access=Token(Secret("hush")))


def test_an_account_that_an_earlier_release_has_stored_is_read() -> None:
    plain = {"provider": "jmap", "session": "s", "folder": "Orders"}

    read = FORMAT.joined(plain, b'{"password": "hush"}')

    assert read == JmapAccount(session="s", access=Password(Secret("hush")), folders=("Orders",))
    assert plain == {"provider": "jmap", "session": "s", "folder": "Orders"}


@pytest.mark.parametrize(
    "change",
    [
        {"session": None},
        {"own": 1},
        {"access": {"kind": "token", "own": 1}},
        {"access": {"kind": "certificate"}},
        {"folder": "Orders"},
    ],
    ids=["missing", "too many", "too many within", "unknown kind", "half of an earlier one"],
)
def test_an_account_of_another_release_is_refused_and_not_quoted(change: dict[str, Any]) -> None:
    plain, secrets = FORMAT.split(ACCOUNT)

    with pytest.raises(AccessFailed, match="not of this release") as caught:
        FORMAT.joined({**plain, **change}, secrets)

    assert "refresh-token" not in str(caught.value.__cause__)


def test_an_account_of_another_provider_is_neither_stored_nor_read() -> None:
    plain, secrets = FORMAT.split(ACCOUNT)
    none = AccountFormat({})

    for attempt in (lambda: none.split(ACCOUNT), lambda: none.joined(plain, secrets)):
        with pytest.raises(AccessFailed, match="this release of Postroom has no provider jmap"):
            attempt()


def test_what_stands_for_an_account_is_not_stored_in_its_place() -> None:
    with pytest.raises(AccessFailed, match="no key fits"):
        FORMAT.split(UnreadableAccount("jmap", "no key fits"))
