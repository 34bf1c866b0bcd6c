"""The account of a Microsoft mailbox: what it is made of, and which sign-in opens it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from postroom.adapters.microsoft.account import (
    NOBODY_YET,
    OPTIONS,
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftAccounts,
    MicrosoftCredentials,
    describe,
    microsoft_account,
)
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount, Secret, UnreadableAccount
from postroom.domain.failure import Unprocessable
from postroom.domain.mailbox import Mailbox

ADDRESS = "support@acme.example"
SECRET, PEM = Secret("client-secret-value"), Secret("pem-of-a-key")
APPLICATION: Mapping[str, OptionValue] = {"directory": "directory-1", "client-id": "client-1"}
ACCOUNT = MicrosoftAccount(
    directory="directory-1",
    client_id="client-1",
    credentials=ClientSecret(SECRET),
    user=ADDRESS,
)
UNREADABLE = UnreadableAccount("microsoft", "the key to its credentials is missing")


def made(**values: OptionValue) -> MicrosoftAccount:
    by_name = {name.replace("_", "-"): value for name, value in values.items()}
    return MicrosoftAccounts().create(ADDRESS, {**APPLICATION, **by_name})


# --- Made of options ----------------------------------------------------------------------------


def test_without_further_options_the_user_is_the_address_and_the_folder_the_inbox() -> None:
    assert made(client_secret=SECRET) == ACCOUNT
    assert ACCOUNT.folders == ("inbox",)


def test_a_user_and_folders_may_be_named_and_a_folder_counts_once() -> None:
    account = made(client_secret=SECRET, user="object-1", folder=("inbox", "Inbox/Orders", "inbox"))

    assert account == replace(ACCOUNT, user="object-1", folders=("inbox", "Inbox/Orders"))


@pytest.mark.parametrize(
    ("option", "credentials"),
    [
        ({"client_secret": SECRET}, ClientSecret(SECRET)),
        ({"certificate": PEM}, ClientCertificate(PEM)),
        ({"delegated": True}, NOBODY_YET),
        ({"delegated": False, "certificate": PEM}, ClientCertificate(PEM)),
    ],
)
def test_each_way_to_sign_in_has_credentials_of_its_own(
    option: dict[str, OptionValue], credentials: MicrosoftCredentials
) -> None:
    assert made(**option).credentials == credentials


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"client-secret": SECRET, "certificate": PEM},
            "--client-secret-file, --certificate-file",
        ),
        ({"client-secret": SECRET, "delegated": True}, "--client-secret-file, --delegated"),
        ({"certificate": PEM, "delegated": True}, "--certificate-file, --delegated"),
    ],
)
def test_two_ways_to_sign_in_contradict_each_other(
    options: dict[str, OptionValue], told: str
) -> None:
    with pytest.raises(InvalidAccount) as adding:
        MicrosoftAccounts().create(ADDRESS, {**APPLICATION, **options})
    with pytest.raises(InvalidAccount) as reconnecting:
        MicrosoftAccounts().reconnect(ACCOUNT, options)

    for raised in (adding, reconnecting):
        assert str(raised.value) == f"these are different ways to sign in: {told}"


def test_an_account_without_a_way_to_sign_in_is_none() -> None:
    with pytest.raises(InvalidAccount, match="one way to sign in is needed: --client-secret-file"):
        made()


@pytest.mark.parametrize("name", ["directory", "client-id"])
@pytest.mark.parametrize("value", ["", None])
def test_an_option_that_is_missing_is_named(name: str, value: str | None) -> None:
    values = {**APPLICATION, "client-secret": SECRET}
    if value is None:
        del values[name]
    else:
        values[name] = value

    with pytest.raises(InvalidAccount) as raised:
        MicrosoftAccounts().create(ADDRESS, values)

    assert str(raised.value) == f"--{name} is missing"


def test_the_secret_is_what_is_prompted_for_unless_there_is_another_way_to_sign_in() -> None:
    prompted = [each for each in OPTIONS if each.secret and each.required]

    assert [(each.name, each.unless) for each in prompted] == [
        ("client-secret", ("certificate", "delegated"))
    ]
    assert [each.name for each in OPTIONS if each.credential] == [
        "client-secret",
        "certificate",
        "delegated",
    ]


# --- Reconnected --------------------------------------------------------------------------------


def test_other_credentials_change_nothing_else() -> None:
    before = replace(ACCOUNT, user="object-1", folders=("Inbox/Orders",))

    after = MicrosoftAccounts().reconnect(before, {"certificate": PEM})

    assert after == replace(before, credentials=ClientCertificate(PEM))


def test_an_account_that_cannot_be_read_is_given_none() -> None:
    with pytest.raises(InvalidAccount):
        MicrosoftAccounts().reconnect(UNREADABLE, {"certificate": PEM})


# --- What it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "described"),
    [
        (ClientSecret(SECRET), {"credentials": "secret"}),
        (ClientCertificate(PEM), {"credentials": "certificate"}),
        (
            DelegatedAccess(Secret("r"), "object-1", "clerk@acme.example"),
            {
                "credentials": "delegated",
                "object_id": "object-1",
                "principal_name": "clerk@acme.example",
            },
        ),
    ],
)
def test_it_is_described_by_its_credentials_and_who_has_signed_in(
    credentials: MicrosoftCredentials, described: dict[str, str]
) -> None:
    assert describe(replace(ACCOUNT, credentials=credentials)) == described
    assert describe(UNREADABLE) == {}


def test_mailboxes_of_one_application_are_opened_by_one_sign_in() -> None:
    same = replace(ACCOUNT, user="sales@acme.example", folders=("archive",))
    others = [
        replace(ACCOUNT, directory="directory-2"),
        replace(ACCOUNT, client_id="client-2"),
        replace(ACCOUNT, credentials=ClientSecret(Secret("another"))),
    ]

    assert same.sign_in_key == ACCOUNT.sign_in_key
    assert ACCOUNT.sign_in_key not in {each.sign_in_key for each in others}


def test_its_secrets_show_themselves_to_nobody() -> None:
    for credentials in (ClientSecret(SECRET), ClientCertificate(PEM), DelegatedAccess(SECRET)):
        shown = repr(replace(ACCOUNT, credentials=credentials))
        assert SECRET.value not in shown
        assert PEM.value not in shown


@pytest.mark.parametrize(
    ("stored", "credentials"),
    [
        ({"kind": "secret", "secret": SECRET}, ClientSecret(SECRET)),
        ({"kind": "certificate", "certificate": PEM}, ClientCertificate(PEM)),
        ({"kind": "delegated", "refresh_token": SECRET}, DelegatedAccess(SECRET)),
        (
            {"kind": "delegated", "refresh_token": SECRET, "object_id": "o", "principal_name": "p"},
            DelegatedAccess(SECRET, "o", "p"),
        ),
    ],
)
def test_what_earlier_releases_have_stored_is_read_by_the_names_of_the_fields(
    stored: dict[str, object], credentials: MicrosoftCredentials
) -> None:
    fields = {
        "provider": "microsoft",
        "directory": "directory-1",
        "client_id": "client-1",
        "user": ADDRESS,
        "folders": ["inbox", "Inbox/Orders"],
        "credentials": stored,
    }

    assert TypeAdapter(MicrosoftAccount).validate_python(fields) == replace(
        ACCOUNT, folders=("inbox", "Inbox/Orders"), credentials=credentials
    )


def test_a_mailbox_of_another_account_has_no_place_in_graph() -> None:
    mailbox = Mailbox(
        tenant="acme",
        id="support",
        address=ADDRESS,
        account=replace(UNREADABLE, provider_name="elsewhere"),
        added_at=datetime(2030, 1, 1, tzinfo=UTC),
    )

    with pytest.raises(Unprocessable, match="a elsewhere mailbox has no place in Graph"):
        microsoft_account(mailbox)
    assert microsoft_account(replace(mailbox, account=ACCOUNT)) == ACCOUNT
