"""A Gmail mailbox's account, made of options."""

import json
from dataclasses import replace

import pytest

from postroom.adapters.google.account import (
    FOLDER,
    OPTIONS,
    GoogleAccount,
    GoogleAccounts,
    route_of,
)
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount, Secret, UnreadableAccount

ADDRESS = "info@acme.example"
KEY = {
    "type": "service_account",
    "private_key": "a secret of Google's",
    "client_email": "postroom@project.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
VALUES: dict[str, OptionValue] = {
    "service-account": Secret(json.dumps(KEY)),
    "pubsub-subscription": "projects/p/subscriptions/s",
    "push-service-account": "push@p.iam.gserviceaccount.com",
    "pubsub-topic": "projects/p/topics/t",
}


def created(**changes: OptionValue) -> GoogleAccount:
    given = {name.replace("_", "-"): value for name, value in changes.items()}
    return GoogleAccounts().create(ADDRESS, VALUES | given)


def test_an_account_is_made_of_its_options() -> None:
    assert created() == GoogleAccount(
        service_account=Secret(json.dumps(KEY)),
        pubsub_subscription="projects/p/subscriptions/s",
        push_service_account="push@p.iam.gserviceaccount.com",
        pubsub_topic="projects/p/topics/t",
    )


def test_without_a_topic_the_watch_is_an_operators() -> None:
    given = {name: value for name, value in VALUES.items() if name != "pubsub-topic"}

    assert GoogleAccounts().create(ADDRESS, given).pubsub_topic == ""


@pytest.mark.parametrize("topic", ["t", "projects/p/topics/", "projects/p/subscriptions/s", "a b"])
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    with pytest.raises(InvalidAccount, match="projects/…/topics/…"):
        created(pubsub_topic=topic)


def test_a_topic_can_be_given_with_another_key_and_stays_without() -> None:
    moved = GoogleAccounts().reconnect(created(), VALUES | {"pubsub-topic": "projects/p/topics/u"})
    stayed = GoogleAccounts().reconnect(moved, {"service-account": Secret(json.dumps(KEY))})

    assert (moved.pubsub_topic, stayed.pubsub_topic) == ("projects/p/topics/u",) * 2


def test_each_option_is_a_field_of_the_account() -> None:
    account = created()

    assert {option.name for option in OPTIONS} == set(VALUES)
    for option in OPTIONS:
        assert getattr(account, option.field) == VALUES[option.name]


def test_an_account_has_one_folder_and_shows_no_secret() -> None:
    account = created()

    assert (account.provider, account.folders) == ("google", (FOLDER,))
    assert "secret" not in repr(account)


def test_a_push_names_the_mailbox_by_its_subscription_and_address() -> None:
    route = created().route("Info@ACME.example")

    assert route == "projects/p/subscriptions/s info@acme.example"
    assert route == route_of("projects/p/subscriptions/s", "INFO@acme.example")


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

    with pytest.raises(InvalidAccount, match=rf"^{told} is missing$"):
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


@pytest.mark.parametrize("values", [{}, {"service-account": Secret("{}")}])
def test_what_is_no_other_key_is_refused(values: dict[str, OptionValue]) -> None:
    with pytest.raises(InvalidAccount, match=r"^the service account's key is"):
        GoogleAccounts().reconnect(created(), values)


def test_an_account_of_another_provider_is_given_no_credentials() -> None:
    with pytest.raises(InvalidAccount):
        GoogleAccounts().reconnect(UnreadableAccount("elsewhere", "no key"), VALUES)
