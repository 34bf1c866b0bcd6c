"""Metrics: those of OpenTelemetry's messaging conventions 1.44, and some of our own.

A label is a word out of a small closed set. Never an id, never an address: they would be personal,
and a series each.
"""

from dataclasses import dataclass

from opentelemetry.metrics import Counter, Histogram, Meter

_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is counted and timed. Durations are in seconds."""

    sent: Counter
    consumed: Counter
    operation_duration: Histogram
    process_duration: Histogram
    notices: Counter
    outcomes: Counter
    rounds: Counter
    unannounced: Counter


def instruments(meter: Meter) -> Instruments:
    return Instruments(
        sent=meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Pointers given to the queue"
        ),
        consumed=meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Pointers claimed from the queue"
        ),
        operation_duration=_seconds(
            meter, "messaging.client.operation.duration", "Time to queue pointers durably"
        ),
        process_duration=_seconds(
            meter, "messaging.process.duration", "Time of one attempt at a pointer"
        ),
        notices=meter.create_counter(
            "postroom.notices", "{notice}", "Notices received, by provider and verdict"
        ),
        outcomes=meter.create_counter(
            "postroom.outcomes", "{attempt}", "Attempts ended, by provider and outcome"
        ),
        rounds=meter.create_counter(
            "postroom.reception.rounds", "{round}", "Rounds of keeping mail coming, by mode, result"
        ),
        unannounced=meter.create_counter(
            "postroom.reception.unannounced",
            "{message}",
            "Messages that a look found and no notice had told of",
        ),
    )


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name, "s", description, explicit_bucket_boundaries_advisory=_BUCKETS
    )
