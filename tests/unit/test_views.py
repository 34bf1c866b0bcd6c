from dataclasses import replace

import pytest

from postroom.adapters.microsoft.account import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftCredentials,
)
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.views.mailboxes import mailbox_view
from tests.unit.api_providers import google_mailbox, imap_mailbox, microsoft_mailbox

HUSH = Secret("hush")


def opened_by(credentials: MicrosoftCredentials) -> Mailbox:
    mailbox = microsoft_mailbox()
    assert isinstance(mailbox.account, MicrosoftAccount)
    return replace(mailbox, account=replace(mailbox.account, credentials=credentials))


@pytest.mark.parametrize(
    ("credentials", "shown"),
    [
        (ClientSecret(HUSH), {"kind": "secret"}),
        (ClientCertificate(HUSH), {"kind": "certificate"}),
        (
            DelegatedAccess(HUSH, "17", "clerk@acme.example"),
            {"kind": "delegated", "object_id": "17", "principal_name": "clerk@acme.example"},
        ),
    ],
)
def test_of_credentials_all_is_shown_but_the_secret(
    credentials: MicrosoftCredentials, shown: dict[str, str]
) -> None:
    assert mailbox_view(opened_by(credentials), []).account["credentials"] == shown


@pytest.mark.parametrize("mailbox", [google_mailbox(), imap_mailbox(), microsoft_mailbox()])
def test_no_account_shows_a_secret(mailbox: Mailbox) -> None:
    assert "Secret" not in repr(mailbox_view(mailbox, []))
