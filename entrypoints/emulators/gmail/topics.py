"""Pub/Sub's topics, and who may publish to them.

Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from postroom.entrypoints.emulators.gmail.wire import PROJECT, GoogleError, Json

TOPIC = f"projects/{PROJECT}/topics/gmail"
PUBLISHER_ROLE = "roles/pubsub.publisher"
GMAIL_PUBLISHER = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
"""The account in whose name Gmail publishes: the developer must let it."""


@dataclass
class Topic:
    name: str
    publishers: set[str] = field(default_factory=set)

    def body(self) -> Json:
        return {"name": self.name}

    def policy(self) -> Json:
        policy: Json = {"version": 1, "etag": "BwXhqDVvz1A="}
        if self.publishers:
            binding = {"role": PUBLISHER_ROLE, "members": sorted(self.publishers)}
            policy["bindings"] = [binding]
        return policy


class Topics:
    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}

    def create(self, name: str, publishers: Collection[str]) -> Topic:
        if name in self._topics:
            raise GoogleError(409, message=f"Resource already exists in the project ({_of(name)}).")
        self._topics[name] = Topic(name, set(publishers))
        return self._topics[name]

    def get(self, name: str) -> Topic:
        if found := self._topics.get(name):
            return found
        raise GoogleError(404, message=f"Resource not found ({_of(name)}).")

    def __contains__(self, name: str) -> bool:
        return name in self._topics

    def delete(self, name: str) -> None:
        self.get(name)
        del self._topics[name]


def _of(name: str) -> str:
    return f"resource={name.rpartition('/')[2]}"
