"""What is shown of a mailbox, by commands and by the API."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftCredentials,
)
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.views.mailboxes import mailbox_view
from tests.unit.api_providers import google_mailbox, imap_mailbox, microsoft_mailbox, open_rig

HUSH = Secret("hush")


def opened_by(credentials: MicrosoftCredentials) -> Mailbox:
    mailbox = microsoft_mailbox()
    assert isinstance(mailbox.account, MicrosoftAccount)
    return replace(mailbox, account=replace(mailbox.account, credentials=credentials))


@pytest.fixture
def providers(clock: ManualClock) -> Iterator[Providers]:
    with open_rig(clock) as rig:
        yield rig.providers


@pytest.mark.parametrize(
    ("credentials", "shown"),
    [
        (ClientSecret(HUSH), {"credentials": "secret"}),
        (ClientCertificate(HUSH), {"credentials": "certificate"}),
        (
            DelegatedAccess(HUSH, "17", "clerk@acme.example"),
            {
                "credentials": "delegated",
                "object_id": "17",
                "principal_name": "clerk@acme.example",
            },
        ),
    ],
)
def test_of_credentials_all_is_shown_but_the_secret(
    credentials: MicrosoftCredentials,
    shown: dict[str, str],
    providers: Providers,
    clock: ManualClock,
) -> None:
    view = mailbox_view(opened_by(credentials), [], providers, clock.now())

    assert view.account.items() >= shown.items()
    assert "hush" not in repr(view)


@pytest.mark.parametrize("mailbox", [google_mailbox(), imap_mailbox(), microsoft_mailbox()])
def test_no_account_shows_a_secret(
    mailbox: Mailbox, providers: Providers, clock: ManualClock
) -> None:
    shown = repr(mailbox_view(mailbox, [], providers, clock.now()))

    assert mailbox.provider in shown
    assert "Secret" not in shown


def test_the_account_of_a_provider_that_this_release_lacks_is_not_shown(
    clock: ManualClock,
) -> None:
    assert mailbox_view(imap_mailbox(), [], Providers([]), clock.now()).account == {}
