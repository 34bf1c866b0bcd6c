"""Events and metrics of the events for subscribers."""

from dataclasses import dataclass

import structlog

from postroom.application.distribute_events import OutboxEvents
from postroom.application.ports import Distributed
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedOutbox(OutboxEvents):
    telemetry: Telemetry

    def distributed(self, distributed: Distributed) -> None:
        if distributed.events:
            self.telemetry.instruments.events.add(distributed.events)
        for (owner, name), count in distributed.dropped.items():
            log.warning("events dropped", tenant=owner, subscriber=name, count=count)
            self.telemetry.instruments.events_dropped.add(count)
