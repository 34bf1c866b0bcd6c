"""Metrics: those of OpenTelemetry's messaging conventions 1.44, and some of our own.

A label is a word out of a small closed set. Never an id, never an address: they would be personal,
and a series each.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Tally:
    """Counts, and is read by the SDK when somebody looks.

    The SDK's own counter takes ten times as long, in which a webhook could have answered.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[tuple[str, str], ...], int] = defaultdict(int)

    def add(self, count: int, labels: Mapping[str, str] = NO_LABELS) -> None:
        """*labels* come in the same order at all times: as they stand in the code."""
        self._counts[tuple(labels.items())] += count

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        """What was counted since the start. It is called from the threads of exporters, too."""
        for labels, count in self._counts.copy().items():
            yield Observation(count, dict(labels))


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
    events: Tally
    events_dropped: Tally


def instruments(meter: Meter) -> Instruments:
    return Instruments(
        sent=_tally(
            meter, "messaging.client.sent.messages", "{message}", "Pointers given to the queue"
        ),
        consumed=_tally(
            meter,
            "messaging.client.consumed.messages",
            "{message}",
            "Pointers claimed from the queue",
        ),
        operation_duration=_seconds(
            meter, "messaging.client.operation.duration", "Time to queue pointers durably"
        ),
        process_duration=_seconds(
            meter, "messaging.process.duration", "Time of one attempt at a pointer"
        ),
        notifications=_tally(
            meter,
            "postroom.notifications",
            "{notification}",
            "Notifications received, by provider and result",
        ),
        refused=_tally(
            meter,
            "postroom.requests.refused",
            "{request}",
            "Requests that were refused before they were read, by reason",
        ),
        outcomes=_tally(
            meter, "postroom.outcomes", "{attempt}", "Attempts ended, by provider and outcome"
        ),
        sync_runs=_tally(
            meter,
            "postroom.sync.runs",
            "{run}",
            "Runs of folder syncs, by mode and result",
        ),
        sync_missed=_tally(
            meter,
            "postroom.sync.messages.missed",
            "{message}",
            "Messages that a sync found and no notification had announced",
        ),
        queue_losses=_tally(
            meter,
            "postroom.queue.losses",
            "{loss}",
            "Times that the queue was found to have lost what it held",
        ),
        sources_away=_level(
            meter,
            "postroom.sources.away",
            "{source}",
            "Hosts, servers and authorities that answer nobody, as this process has found",
        ),
        calls=_tally(meter, "postroom.calls", "{call}", "Calls of applications, by answer"),
        call_duration=_seconds(
            meter, "postroom.call.duration", "Time that applications took to answer a call"
        ),
        handovers=_tally(
            meter, "postroom.handovers", "{handover}", "Handovers that have ended, by state"
        ),
        handover_duration=_seconds(
            meter, "postroom.handover.duration", "Time from a message's acceptance to its end"
        ),
        applications_failing=_tally(
            meter,
            "postroom.applications.failing",
            "{alert}",
            "Times that an application was found to have failed for so many seconds",
        ),
        copies_left_out=_tally(
            meter,
            "postroom.copies.left_out",
            "{message}",
            "Messages of which an application that wants copies got none",
        ),
        events=_tally(meter, "postroom.events", "{event}", "Events given to their subscribers"),
        events_dropped=_tally(
            meter,
            "postroom.events.dropped",
            "{event}",
            "Events that a subscriber did not get, since more waited for it than it may have",
        ),
    )


def _tally(meter: Meter, name: str, unit: str, description: str) -> Tally:
    tally = Tally()
    meter.create_observable_counter(name, [tally.observe], unit, description)
    return tally


def _level(meter: Meter, name: str, unit: str, description: str) -> Level:
    level = Level()
    meter.create_observable_gauge(name, [level.observe], unit, description)
    return level


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name, "s", description, explicit_bucket_boundaries_advisory=_BUCKETS
    )
