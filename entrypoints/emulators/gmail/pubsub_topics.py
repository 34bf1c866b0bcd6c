"""What can be done with a topic."""

import base64

from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json


async def get(pubsub: PubSub, name: str, _: Json) -> Json:
    return pubsub.topics.get(name).body()


async def create(pubsub: PubSub, name: str, _: Json) -> Json:
    """Nobody may publish to it yet."""
    return pubsub.topics.create(name, ()).body()


async def delete(pubsub: PubSub, name: str, _: Json) -> Json:
    pubsub.topics.delete(name)
    return {}


async def get_policy(pubsub: PubSub, name: str, _: Json) -> Json:
    return pubsub.topics.get(name).policy()


async def publish(pubsub: PubSub, name: str, body: Json) -> Json:
    pubsub.topics.get(name)
    if not body.get("messages"):
        raise GoogleError(400, message="The list of messages is empty.")
    data = [base64.b64decode(each.get("data", "")) for each in body["messages"]]
    return {"messageIds": [pubsub.send(name, each).id for each in data]}
