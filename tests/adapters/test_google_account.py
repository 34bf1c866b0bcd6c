"""A Gmail mailbox's account, made of options."""

import json
from dataclasses import replace

import pytest

from postroom.adapters.google.account import (
    FOLDER,
    GoogleAccount,
    PersonalAccess,
    describe,
    route_of,
)
from postroom.adapters.google.account_options import OPTIONS, GoogleAccounts
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount, Secret, UnreadableAccount
from tests.adapters.google_account_values import ADDRESS, DELEGATED, KEY, VALUES, created


def test_an_account_is_made_of_its_options() -> None:
    assert created() == GoogleAccount(
        service_account=Secret(json.dumps(KEY)),
        pubsub_subscription="projects/p/subscriptions/gmail",
        push_service_account="push@p.iam.gserviceaccount.com",
        pubsub_topic="projects/p/topics/t",
    )


def test_each_option_of_access_is_a_field_of_the_account() -> None:
    account = created()

    assert set(VALUES) <= {option.name for option in OPTIONS}
    for name, value in VALUES.items():
        assert getattr(account, name.replace("-", "_")) == value


def test_an_account_has_one_folder_and_shows_no_secret() -> None:
    account = created()

    assert (account.provider, account.folders) == ("google", (FOLDER,))
    assert "secret" not in repr(account)


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ({}, "INBOX"),
        ({"label": ("Inbox", "inbox")}, "INBOX"),
        ({"label": ("INBOX", "Desk/Orders")}, "INBOX, Desk/Orders"),
        ({"label": ("Desk/Orders",), "except-label": ("Ads", "News")}, "Desk/Orders but Ads, News"),
        ({"all-mail": True}, "all mail"),
        ({"all-mail": True, "except-label": ("Ads",)}, "all mail but Ads"),
    ],
)
def test_the_labels_whose_mail_is_received_are_chosen(
    given: dict[str, OptionValue], labels: str
) -> None:
    account = GoogleAccounts().create(ADDRESS, VALUES | given)

    assert describe(account)["labels"] == labels


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"label": ("Orders",), "all-mail": True}, "--all-mail is all mail, and --label a part"),
        ({"label": ("INBOX", "")}, "--label is empty"),
        ({"except-label": ("",)}, "--except-label is empty"),
        *(({"label": (name,)}, "never counts as inbound") for name in ("sent", "DRAFT", "CHAT")),
        *(({"label": (name,)}, "never counts as inbound") for name in ("SPAM", "trash")),
    ],
)
def test_labels_that_make_no_sense_are_refused(given: dict[str, OptionValue], told: str) -> None:
    with pytest.raises(InvalidAccount, match=told):
        GoogleAccounts().create(ADDRESS, VALUES | given)


def test_a_mailbox_that_was_added_before_labels_were_chosen_receives_all_its_mail() -> None:
    plain = {"pubsub_subscription": "s", "push_service_account": "p"}

    upgraded, secrets = GoogleAccount.upgraded(plain, {"service_account": "key"})

    assert upgraded == plain | {"labels": {"received": (), "left_out": ()}}
    assert secrets == {"service_account": "key"}
    assert GoogleAccount.upgraded(upgraded, secrets) == (upgraded, secrets)


def test_a_push_names_the_mailbox_by_its_subscription_and_address() -> None:
    route = created().route("Info@ACME.example")

    assert route == "projects/p/subscriptions/gmail info@acme.example"
    assert route == route_of("projects/p/subscriptions/gmail", "INFO@acme.example")


def test_two_mailboxes_never_share_a_sign_in_key_by_accident() -> None:
    account = created()

    assert account.sign_in_key == created().sign_in_key
    assert account.sign_in_key != replace(account, service_account=Secret("{}")).sign_in_key


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("service-account", "the service account's key"),
        ("pubsub-subscription", "--pubsub-subscription"),
        ("push-service-account", "--push-service-account"),
    ],
)
def test_an_option_that_is_missing_is_named(name: str, told: str) -> None:
    values = {given: value for given, value in VALUES.items() if given != name}

    with pytest.raises(InvalidAccount, match=rf"^{told} is missing"):
        GoogleAccounts().create(ADDRESS, values)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        "[]",
        "7",
        "{}",
        "[" * 100_000,
        json.dumps(KEY | {"type": "authorized_user"}),
        *(json.dumps({name: KEY[name] for name in KEY if name != missing}) for missing in KEY),
        *(json.dumps(KEY | {name: ""}) for name in KEY),
        json.dumps(KEY | {"private_key": 7}),
    ],
)
def test_what_is_no_key_of_a_service_account_is_refused_untold(key: str) -> None:
    with pytest.raises(
        InvalidAccount, match=r"^the service account's key is not one in JSON"
    ) as caught:
        created(service_account=Secret(key))

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_another_key_replaces_nothing_but_the_key() -> None:
    account, other = created(), Secret(json.dumps(KEY | {"private_key": "another"}))

    reconnected = GoogleAccounts().reconnect(account, {"service-account": other})

    assert reconnected == replace(account, service_account=other)


def test_an_account_that_its_user_is_to_open_has_no_key_and_no_token_yet() -> None:
    account = GoogleAccounts().create(ADDRESS, DELEGATED | {"paste": True})

    assert account.service_account == Secret("")
    assert account.person == PersonalAccess("1234.apps.googleusercontent.com", Secret("GOCSPX"))
    assert describe(account)["credentials"] == "delegated"
    assert describe(account)["client_id"] == "1234.apps.googleusercontent.com"
    assert "GOCSPX" not in f"{account!r} {describe(account)}"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (DELEGATED | {"client-id": ""}, "--client-id is missing"),
        (DELEGATED | {"client-secret": Secret("")}, "--client-secret-file is missing"),
        (DELEGATED | {"client-secret": "text"}, "--client-secret-file is missing"),
        (DELEGATED | {"service-account": VALUES["service-account"]}, "choose one"),
        (VALUES | {"client-id": "c"}, "--client-id goes with --delegated alone"),
        (VALUES | {"paste": True}, "--paste goes with --delegated alone"),
    ],
)
def test_ways_to_sign_in_are_not_mixed(values: dict[str, OptionValue], told: str) -> None:
    with pytest.raises(InvalidAccount, match=told) as raised:
        GoogleAccounts().create(ADDRESS, values)

    assert "GOCSPX" not in str(raised.value)


def test_a_person_signs_in_again_to_the_same_client_or_to_another() -> None:
    accounts = GoogleAccounts()
    created = accounts.create(ADDRESS, DELEGATED)
    assert created.person
    opened = replace(created, person=replace(created.person, refresh_token=Secret("1//0")))

    assert accounts.reconnect(opened, {"delegated": True}) == created
    another: dict[str, OptionValue] = {
        "delegated": True,
        "client-id": "5678",
        "client-secret": Secret("other"),
    }
    assert accounts.reconnect(opened, another).person == PersonalAccess("5678", Secret("other"))
    with pytest.raises(InvalidAccount, match="--client-secret-file is missing"):
        accounts.reconnect(opened, {"delegated": True, "client-id": "5678"})


def test_a_key_takes_the_place_of_a_person_and_a_person_that_of_a_key() -> None:
    accounts = GoogleAccounts()
    of_person, of_key = accounts.create(ADDRESS, DELEGATED), created()
    access = {name: DELEGATED[name] for name in ("delegated", "client-id", "client-secret")}

    assert accounts.reconnect(of_person, {"service-account": VALUES["service-account"]}) == of_key
    assert accounts.reconnect(of_key, access) == of_person


@pytest.mark.parametrize("values", [{}, {"service-account": Secret("{}")}])
def test_what_is_no_other_key_is_refused(values: dict[str, OptionValue]) -> None:
    with pytest.raises(InvalidAccount, match=r"^the service account's key is"):
        GoogleAccounts().reconnect(created(), values)


def test_an_account_of_another_provider_is_given_no_credentials() -> None:
    with pytest.raises(InvalidAccount):
        GoogleAccounts().reconnect(UnreadableAccount("elsewhere", "no key"), VALUES)
