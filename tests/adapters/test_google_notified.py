"""How a Gmail mailbox is notified, as its options say: pushed, pulled, or not at all."""

import json
from dataclasses import replace

import pytest

from postroom.adapters.google.account import (
    GoogleAccount,
    describe,
)
from postroom.adapters.google.account_options import GoogleAccounts
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount, Secret, UnreadableAccount
from tests.adapters.google_account_values import ADDRESS, DELEGATED, KEY, VALUES, created

NOTIFIED = {"pubsub-subscription", "push-service-account", "pubsub-topic"}


def test_without_a_topic_the_watch_is_an_operators() -> None:
    given = {name: value for name, value in VALUES.items() if name != "pubsub-topic"}

    assert GoogleAccounts().create(ADDRESS, given).pubsub_topic == ""


@pytest.mark.parametrize("access", ["service-account", "delegated"])
def test_without_a_subscription_the_mailbox_is_polled(access: str) -> None:
    values = VALUES if access == "service-account" else DELEGATED
    given = {name: value for name, value in values.items() if name not in NOTIFIED}

    account = GoogleAccounts().create(ADDRESS, given)

    assert (account.pubsub_subscription, account.route(ADDRESS)) == ("", "")
    assert describe(account)["notifications"] == "none"
    assert GoogleAccounts().reconnect(account, values) == GoogleAccounts().create(ADDRESS, values)


@pytest.mark.parametrize("name", ["pubsub-topic", "push-service-account", "pubsub-pull"])
def test_what_is_of_no_use_without_a_subscription_is_refused(name: str) -> None:
    given = {each: value for each, value in VALUES.items() if each not in NOTIFIED}

    with pytest.raises(InvalidAccount, match=r"^--pubsub-subscription is missing: "):
        GoogleAccounts().create(ADDRESS, given | {name: VALUES.get(name, True)})


def test_a_mailbox_is_switched_from_pushes_to_pulls_but_not_a_persons() -> None:
    name = "projects/p/subscriptions/pulled"
    pulled: dict[str, OptionValue] = {"pubsub-subscription": name, "pubsub-pull": True}
    key = {"service-account": VALUES["service-account"]}
    account = GoogleAccounts().reconnect(created(), key | pulled)

    assert (account.pubsub_subscription, account.pubsub_pull) == (name, True)
    assert (account.push_service_account, account.pubsub_topic) == ("", "projects/p/topics/t")
    access = {each: DELEGATED[each] for each in ("delegated", "client-id", "client-secret")}
    with pytest.raises(InvalidAccount, match="a person's are pushed"):
        GoogleAccounts().reconnect(account, access)


@pytest.mark.parametrize("topic", ["t", "projects/p/topics/", "projects/p/subscriptions/s", "a b"])
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    with pytest.raises(InvalidAccount, match="projects/…/topics/…"):
        created(pubsub_topic=topic)


def test_a_topic_can_be_given_with_another_key_and_stays_without() -> None:
    moved = GoogleAccounts().reconnect(created(), VALUES | {"pubsub-topic": "projects/p/topics/u"})
    stayed = GoogleAccounts().reconnect(moved, {"service-account": Secret(json.dumps(KEY))})

    assert (moved.pubsub_topic, stayed.pubsub_topic) == ("projects/p/topics/u",) * 2


# --- Pushed, or pulled ---


def pulled(**changes: OptionValue) -> GoogleAccount:
    given = {name.replace("_", "-"): value for name, value in changes.items()}
    pushed = {name: value for name, value in VALUES.items() if name != "push-service-account"}
    return GoogleAccounts().create(ADDRESS, pushed | {"pubsub-pull": True} | given)


def test_what_is_pulled_is_pushed_by_nobody() -> None:
    account = pulled()

    assert (account.pubsub_pull, account.push_service_account) == (True, "")
    with pytest.raises(InvalidAccount, match="pulled or pushed"):
        pulled(push_service_account="push@p.iam.gserviceaccount.com")


@pytest.mark.parametrize("name", ["s", "projects/p/topics/t", "projects/p/subscriptions/s s"])
def test_what_is_pulled_has_a_name_of_pubsub(name: str) -> None:
    with pytest.raises(InvalidAccount, match="projects/…/subscriptions/…"):
        pulled(pubsub_subscription=name)


def test_where_few_may_push_the_account_must_be_one_of_them() -> None:
    pusher = str(VALUES["push-service-account"])

    assert GoogleAccounts([pusher]).create(ADDRESS, VALUES) == created()
    with pytest.raises(InvalidAccount, match="POSTROOM_GOOGLE_PUSH_ACCOUNTS"):
        GoogleAccounts(["another@p.example"]).create(ADDRESS, VALUES)


def test_it_is_shown_how_and_under_which_address_we_are_notified() -> None:
    account = replace(created(), primary_address="anna@acme.example")

    assert describe(created())["notifications"] == "pushed"
    assert describe(pulled())["notifications"] == "pulled"
    assert describe(account)["primary_address"] == "anna@acme.example"
    assert describe(UnreadableAccount("google", "the key is missing")) == {}
