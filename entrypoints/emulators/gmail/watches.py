"""Watches: whose changes are published to which topic, and until when.

Rule 1: a watch is for one mailbox and one developer; it lasts for seven days, or until `stop`.
Rule 2: watching the same topic again replaces the watch; another topic is refused as long as
the old one lives.
Rule 3: whoever watches is sent a notification at once.
Rule 4: there is at most one notification a second for a user; what is more is dropped.
Source: https://developers.google.com/workspace/gmail/api/guides/push. That labels are of the
mailbox, and the words of the refusals, are from what others have logged.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.topics import GMAIL_PUBLISHER
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

LIFETIME = timedelta(days=7)
SHORTEST_GAP = timedelta(seconds=1)

_FILTERS = {"include", "exclude"}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """*excluding* turns the meaning of *labels* around; without labels all is announced."""

    topic: str
    labels: frozenset[str]
    excluding: bool
    expires_at: datetime

    def announces(self, labels: Collection[str]) -> bool:
        if not self.labels:
            return True
        return self.labels.isdisjoint(labels) is self.excluding


class Watches:
    def __init__(self, clock: Clock, pubsub: PubSub) -> None:
        self._clock = clock
        self._pubsub = pubsub
        self._watches: dict[tuple[str, str], Watch] = {}
        self._announced_at: dict[tuple[str, str], datetime] = {}

    def start(
        self, address: str, project: str, request: Json, labels: Collection[str], history_id: int
    ) -> Watch:
        """Raises GoogleError; *labels* are those that the mailbox has."""
        watch = self._watch(project, request, labels)
        before = self._live(address, project)
        if before and before.topic != watch.topic:
            raise _invalid(
                "Only one user push notification client allowed per developer "
                "(call /stop then try again)"
            )
        self._watches[address, project] = watch
        self._publish(address, project, watch, history_id)
        return watch

    def stop(self, address: str, project: str) -> None:
        self._watches.pop((address, project), None)

    def forget(self, address: str) -> None:
        """Nobody watches the user any more."""
        self._watches = {key: each for key, each in self._watches.items() if key[0] != address}

    def rename(self, address: str, new: str) -> None:
        for owner, project in list(self._watches):
            if owner == address:
                self._watches[new, project] = self._watches.pop((owner, project))

    def of(self, address: str) -> list[Watch]:
        """Those that live."""
        return [watch for _, watch in self._of(address)]

    def announce(self, address: str, labels: Collection[str], history_id: int) -> None:
        """Publish a change of a message, *labels* being those that it concerns."""
        for project, watch in self._of(address):
            if watch.announces(labels):
                self._publish(address, project, watch, history_id)

    def _of(self, address: str) -> list[tuple[str, Watch]]:
        projects = [project for owner, project in self._watches if owner == address]
        found = [(project, self._live(address, project)) for project in projects]
        return [(project, watch) for project, watch in found if watch]

    def _live(self, address: str, project: str) -> Watch | None:
        watch = self._watches.get((address, project))
        return watch if watch and self._clock.now() < watch.expires_at else None

    def _publish(self, address: str, project: str, watch: Watch, history_id: int) -> None:
        now, last = self._clock.now(), self._announced_at.get((address, project))
        if last is None or now - last >= SHORTEST_GAP:
            self._announced_at[address, project] = now
            self._pubsub.publish(watch.topic, address, history_id)

    def _watch(self, project: str, request: Json, known: Collection[str]) -> Watch:
        topic, labels = request.get("topicName", ""), request.get("labelIds", [])
        behaviour = str(
            request.get("labelFilterBehavior", request.get("labelFilterAction", "include"))
        ).lower()
        if behaviour not in _FILTERS:
            raise _invalid("Invalid value at 'watch_request.label_filter_behavior'")
        if missing := [label for label in labels if label not in known]:
            raise _invalid(f"Invalid label: {missing[0]}")
        self._try_topic(project, topic)
        return Watch(
            topic=topic,
            labels=frozenset(labels),
            excluding=behaviour == "exclude",
            expires_at=self._clock.now() + LIFETIME,
        )

    def _try_topic(self, project: str, topic: str) -> None:
        if not re.fullmatch(
            rf"projects/{re.escape(project)}/topics/[A-Za-z][\w.~+%-]{{2,254}}", topic
        ):
            raise _invalid(f"Invalid topicName does not match projects/{project}/topics/*")
        try:
            publishers = self._pubsub.topics.get(topic).publishers
        except GoogleError as missing:
            raise _untried(404, "notFound", topic, missing.message) from None
        if GMAIL_PUBLISHER not in publishers:
            raise _untried(403, "forbidden", topic, "User not authorized to perform this action.")


def _invalid(message: str) -> GoogleError:
    return GoogleError(400, "invalidArgument", message)


def _untried(status: int, reason: str, topic: str, why: str) -> GoogleError:
    return GoogleError(
        status, reason, f"Error sending test message to Cloud PubSub {topic} : {why}"
    )
