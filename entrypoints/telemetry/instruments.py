"""Metrics: those of OpenTelemetry's messaging conventions 1.44, and some of our own.

A label is a word out of a small closed set, or the name of an application of the installation.
Never an id, never an address: they would be personal, and a series each.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

NO_LABELS: Mapping[str, str] = MappingProxyType({})

Labels = tuple[tuple[str, str], ...]


class Tally:
    """Counts, and is read by the SDK when somebody looks.

    The SDK's own counter takes ten times as long, in which a webhook could have answered.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[Labels, int] = defaultdict(int)

    def add(self, count: int, labels: Mapping[str, str] = NO_LABELS) -> None:
        """*labels* come in the same order at all times: as they stand in the code."""
        self._counts[tuple(labels.items())] += count

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        """What was counted since the start. It is called from the threads of exporters, too."""
        for labels, count in self._counts.copy().items():
            yield Observation(count, dict(labels))


class Levels:
    """Values by labels, which are set together; nothing is shown before."""

    def __init__(self) -> None:
        self._values: Mapping[Labels, float] = {}

    def show(self, values: Mapping[Labels, float]) -> None:
        """In place of all that was shown: an application that was removed is so here."""
        self._values = values

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        for labels, value in self._values.items():
            yield Observation(value, dict(labels))


class Level:
    """Is set, and read by the SDK when somebody looks; nothing is shown before."""

    value: int | None = None

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        if self.value is not None:
            yield Observation(self.value)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is counted and timed. Durations are in seconds."""

    sent: Tally
    consumed: Tally
    operation_duration: Histogram
    process_duration: Histogram
    notifications: Tally
    refused: Tally
    outcomes: Tally
    sync_runs: Tally
    sync_missed: Tally
    queue_losses: Tally
    sources_away: Level
    calls: Tally
    call_duration: Histogram
    handovers: Tally
    handover_duration: Histogram
    applications_failing: Tally
    copies_left_out: Tally
    applications: Levels
    backlog_messages: Levels
    backlog_size: Levels
    backlog_age: Levels
    events: Tally
    events_dropped: Tally


_WHAT = {
    "messaging.client.sent.messages": ("{message}", "Pointers given to the queue"),
    "messaging.client.consumed.messages": ("{message}", "Pointers claimed from the queue"),
    "messaging.client.operation.duration": ("s", "Time to queue pointers durably"),
    "messaging.process.duration": ("s", "Time of one attempt at a pointer"),
    "postroom.notifications": (
        "{notification}",
        "Notifications received, by provider and result",
    ),
    "postroom.requests.refused": (
        "{request}",
        "Requests that were refused before they were read, by reason",
    ),
    "postroom.outcomes": ("{attempt}", "Attempts ended, by provider and outcome"),
    "postroom.sync.runs": ("{run}", "Runs of folder syncs, by mode and result"),
    "postroom.sync.messages.missed": (
        "{message}",
        "Messages that a sync found and no notification had announced",
    ),
    "postroom.queue.losses": (
        "{loss}",
        "Times that the queue was found to have lost what it held",
    ),
    "postroom.sources.away": (
        "{source}",
        "Hosts, servers and authorities that answer nobody, as this process has found",
    ),
    "postroom.calls": ("{call}", "Calls of applications, by answer"),
    "postroom.call.duration": ("s", "Time that applications took to answer a call"),
    "postroom.handovers": ("{handover}", "Handovers that have ended, by state"),
    "postroom.handover.duration": ("s", "Time from a message's acceptance to its end"),
    "postroom.applications.failing": (
        "{alert}",
        "Times that an application was found to have failed for so many seconds",
    ),
    "postroom.copies.left_out": (
        "{message}",
        "Messages of which an application that wants copies got none",
    ),
    "postroom.applications": ("{application}", "Applications, by name and state"),
    "postroom.backlog.messages": ("{message}", "Messages that wait, by application"),
    "postroom.backlog.size": ("By", "Size of the messages that wait, by application"),
    "postroom.backlog.age": ("s", "Age of the oldest message that waits, by application"),
    "postroom.events": ("{event}", "Events given to their subscribers"),
    "postroom.events.dropped": (
        "{event}",
        "Events that a subscriber did not get, since more waited for it than it may have",
    ),
}
"""Unit and description of each metric."""


def instruments(meter: Meter) -> Instruments:
    make = _Make(meter)
    return Instruments(
        sent=make.tally("messaging.client.sent.messages"),
        consumed=make.tally("messaging.client.consumed.messages"),
        operation_duration=make.seconds("messaging.client.operation.duration"),
        process_duration=make.seconds("messaging.process.duration"),
        notifications=make.tally("postroom.notifications"),
        refused=make.tally("postroom.requests.refused"),
        outcomes=make.tally("postroom.outcomes"),
        sync_runs=make.tally("postroom.sync.runs"),
        sync_missed=make.tally("postroom.sync.messages.missed"),
        queue_losses=make.tally("postroom.queue.losses"),
        sources_away=make.level("postroom.sources.away"),
        calls=make.tally("postroom.calls"),
        call_duration=make.seconds("postroom.call.duration"),
        handovers=make.tally("postroom.handovers"),
        handover_duration=make.seconds("postroom.handover.duration"),
        applications=make.levels("postroom.applications"),
        backlog_messages=make.levels("postroom.backlog.messages"),
        backlog_size=make.levels("postroom.backlog.size"),
        backlog_age=make.levels("postroom.backlog.age"),
        applications_failing=make.tally("postroom.applications.failing"),
        copies_left_out=make.tally("postroom.copies.left_out"),
        events=make.tally("postroom.events"),
        events_dropped=make.tally("postroom.events.dropped"),
    )


@dataclass(frozen=True, slots=True)
class _Make:
    """Makes the instrument of a metric."""

    meter: Meter

    def tally(self, name: str) -> Tally:
        tally = Tally()
        self.meter.create_observable_counter(name, [tally.observe], *_WHAT[name])
        return tally

    def level(self, name: str) -> Level:
        level = Level()
        self.meter.create_observable_gauge(name, [level.observe], *_WHAT[name])
        return level

    def levels(self, name: str) -> Levels:
        levels = Levels()
        self.meter.create_observable_gauge(name, [levels.observe], *_WHAT[name])
        return levels

    def seconds(self, name: str) -> Histogram:
        return self.meter.create_histogram(
            name, *_WHAT[name], explicit_bucket_boundaries_advisory=_BUCKETS
        )
