"""How the Pub/Sub topic and subscription of a mailbox are set up, and how they should be.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions#Subscription. What is
wrong is said as it is and as it should be, with the command that mends it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from postroom.adapters.google.account import GoogleAccount
from postroom.domain.failure import Unavailable

DELETED_TOPIC = "_deleted-topic_"
"""What a subscription names whose topic was deleted."""


class _Shown(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)


class _Token(_Shown):
    service_account_email: str = ""
    audience: str = ""


class _PushConfig(_Shown):
    push_endpoint: str = ""
    oidc_token: _Token | None = None
    no_wrapper: dict[str, object] | None = None


class _ExpirationPolicy(_Shown):
    ttl: str = ""


class PubsubSubscription(_Shown):
    topic: str
    push_config: _PushConfig = Field(default_factory=_PushConfig)
    detached: bool = False
    state: str = ""
    expiration_policy: _ExpirationPolicy | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """*what* is wrong, and what a person can do."""

    what: str
    remedy: str


def read_subscription(body: bytes) -> PubsubSubscription:
    """Raises Unavailable."""
    try:
        return PubsubSubscription.model_validate_json(body)
    except ValidationError:
        raise Unavailable("pubsub sent an unreadable subscription") from None


def fault_of(found: PubsubSubscription, account: GoogleAccount, endpoint: str) -> Fault | None:
    """What keeps notifications of *account* from coming; *endpoint* is the URL for pushes."""
    of_way = _pulled(found, account) if account.pubsub_pull else _pushed(found, account, endpoint)
    return next(chain(_faults_of_topic(found, account), of_way), None)


def ends_unused(found: PubsubSubscription) -> bool:
    """Whether Pub/Sub deletes it when nobody has used it for a time: after 31 days, by default.

    That is so unless its policy has no time (an absent policy is the default).
    """
    return found.expiration_policy is None or bool(found.expiration_policy.ttl)


def _faults_of_topic(found: PubsubSubscription, account: GoogleAccount) -> Iterator[Fault]:
    again = "delete it, and create it again"
    if found.topic == DELETED_TOPIC:
        yield Fault("its topic was deleted", again)
    elif account.pubsub_topic and found.topic != account.pubsub_topic:
        yield Fault(f"it is of the topic {found.topic}", f"give that as --pubsub-topic, or {again}")
    if found.detached:
        yield Fault("it was detached from its topic", again)


def _pulled(found: PubsubSubscription, account: GoogleAccount) -> Iterator[Fault]:
    update = f"gcloud pubsub subscriptions update {account.pubsub_subscription}"
    if found.push_config.push_endpoint:
        yield Fault(
            f"it pushes to {found.push_config.push_endpoint}",
            f"leave out --pubsub-pull, or: {update} --push-endpoint=",
        )


def _pushed(found: PubsubSubscription, account: GoogleAccount, endpoint: str) -> Iterator[Fault]:
    push, pusher = found.push_config, account.push_service_account
    update = (
        f"gcloud pubsub subscriptions update {account.pubsub_subscription}"
        f" --push-endpoint={endpoint} --push-auth-service-account={pusher}"
        f" --push-auth-token-audience={endpoint}"
    )
    if not push.push_endpoint:
        yield Fault("it does not push", f"give --pubsub-pull, or: {update}")
    elif push.push_endpoint != endpoint:
        yield Fault(f"it pushes to {push.push_endpoint}, not to {endpoint}", update)
    token = push.oidc_token or _Token()
    if not token.service_account_email:
        yield Fault("its pushes are not signed", update)
    elif token.service_account_email.casefold() != pusher.casefold():
        yield Fault(f"its pushes are signed by {token.service_account_email}", update)
    if (audience := token.audience or push.push_endpoint) != endpoint:
        yield Fault(f"its audience is {audience}, not {endpoint}", update)
    if push.no_wrapper is not None:
        yield Fault(
            "it pushes the payload alone (payload unwrapping)",
            f"gcloud pubsub subscriptions update {account.pubsub_subscription}"
            " --clear-push-no-wrapper-config",
        )
