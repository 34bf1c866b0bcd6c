"""What can be done with a subscription."""

import base64

from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.subscriptions import (
    Backlog,
    Delivery,
    PushSubscription,
    Subscription,
)
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json, timestamp

LONGEST_LEASE = 600
MOST_MESSAGES = 1000


async def get(pubsub: PubSub, name: str, _: Json) -> Json:
    found = pubsub.backlog(name).subscription
    gone = found.topic not in pubsub.topics
    return found.body() | ({"topic": "_deleted-topic_"} if gone else {})


async def create(pubsub: PubSub, name: str, body: Json) -> Json:
    if name in pubsub.backlogs:
        raise GoogleError(
            409,
            message=f"Resource already exists in the project (resource={name.rpartition('/')[2]}).",
        )
    return pubsub.subscribe(_subscription(name, body)).subscription.body()


async def delete(pubsub: PubSub, name: str, _: Json) -> Json:
    pubsub.backlog(name)
    pubsub.unsubscribe(name)
    return {}


async def pull(pubsub: PubSub, name: str, body: Json) -> Json:
    backlog = _pulled(pubsub.backlog(name))
    most = body.get("maxMessages", 0)
    if not isinstance(most, int) or most < 1:
        raise GoogleError(
            400,
            message="The value for max_messages is too small. You passed "
            f"{most} in the request, but the minimum value is 1.",
        )
    seconds = 0 if body.get("returnImmediately") else pubsub.pull_seconds
    pulled = await pubsub.pull(backlog, min(most, MOST_MESSAGES), seconds)
    return {"receivedMessages": [_received(backlog, each) for each in pulled]} if pulled else {}


async def acknowledge(pubsub: PubSub, name: str, body: Json) -> Json:
    _pulled(pubsub.backlog(name)).acknowledge(_ack_ids(body))
    return {}


async def modify_ack_deadline(pubsub: PubSub, name: str, body: Json) -> Json:
    backlog, seconds = _pulled(pubsub.backlog(name)), body.get("ackDeadlineSeconds", 0)
    if not isinstance(seconds, int) or not 0 <= seconds <= LONGEST_LEASE:
        raise GoogleError(
            400,
            message="Invalid ack deadline given for the request: must be between 0 and "
            f"{LONGEST_LEASE}. You passed in {seconds}",
        )
    backlog.extend(_ack_ids(body), seconds)
    return {}


def _subscription(name: str, body: Json) -> Subscription:
    topic, push = body.get("topic", ""), body.get("pushConfig", {})
    seconds = body.get("ackDeadlineSeconds", 0) or 10
    if not push.get("pushEndpoint"):
        return Subscription(name=name, topic=topic, ack_seconds=seconds)
    token, unwrapped = push.get("oidcToken", {}), "noWrapper" in push
    return PushSubscription(
        name=name,
        topic=topic,
        ack_seconds=seconds,
        endpoint=push["pushEndpoint"],
        identity=token.get("serviceAccountEmail", ""),
        audience=token.get("audience", ""),
        unwrapped=unwrapped,
        with_metadata=unwrapped and bool(push["noWrapper"].get("writeMetadata")),
    )


def _pulled(backlog: Backlog) -> Backlog:
    if isinstance(backlog.subscription, PushSubscription):
        raise GoogleError(
            400,
            message="This method is not supported for this subscription type.",
            state="FAILED_PRECONDITION",
        )
    return backlog


def _received(backlog: Backlog, delivery: Delivery) -> Json:
    message = delivery.message
    received: Json = {
        "ackId": delivery.ack_id,
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.id,
            "publishTime": timestamp(message.published_at),
        },
    }
    if backlog.subscription.dead_letters:
        received["deliveryAttempt"] = delivery.attempts
    return received


def _ack_ids(body: Json) -> list[str]:
    ack_ids = body.get("ackIds")
    if not isinstance(ack_ids, list) or not ack_ids:
        raise GoogleError(400, message="No ack ids specified.")
    return [str(each) for each in ack_ids]
