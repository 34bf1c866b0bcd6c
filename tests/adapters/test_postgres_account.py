"""How an account is stored: without its secrets in the open, and readable by later releases."""

from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftAccount
from postroom.adapters.postgres.account import joined, split
from postroom.domain.account import Secret


def delegated(*, access: DelegatedAccess) -> MicrosoftAccount:
    return MicrosoftAccount(
        directory="directory-1", client_id="client-1", credentials=access, user="boss@acme.example"
    )


def test_who_has_signed_in_is_stored_and_their_token_is_a_secret() -> None:
    account = delegated(
        access=DelegatedAccess(Secret("refresh-token"), "object-1", "clerk@acme.example")
    )

    plain, secrets = split(account)

    assert joined(plain, secrets) == account
    assert "refresh-token" not in str(plain)
    assert plain["credentials"] == {
        "kind": "delegated",
        "object_id": "object-1",
        "principal_name": "clerk@acme.example",
    }


def test_access_that_was_stored_before_anybody_noted_who_signed_in_is_read() -> None:
    account = delegated(access=DelegatedAccess(Secret("refresh-token")))
    plain, secrets = split(account)
    plain["credentials"] = {"kind": "delegated"}

    assert joined(plain, secrets) == account
