"""The events of a queue that was lost, and of what that has cost being listed again."""

from dataclasses import dataclass

import structlog

from postroom.application.watch_queue import LossHealed, LossNoticed, Watch
from postroom.entrypoints.telemetry.sdk import Telemetry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ObservedWatch(Watch):
    watch: Watch
    telemetry: Telemetry

    async def __call__(self) -> LossNoticed | LossHealed | None:
        found = await self.watch()
        if isinstance(found, LossNoticed):
            self.telemetry.instruments.queue_losses.add(1)
            _log_loss(found)
        elif isinstance(found, LossHealed):
            log.info("queue.healed", since=found.loss.noticed_at)
        return found


def _log_loss(noticed: LossNoticed) -> None:
    """*since* is the earliest moment from which on any folder is listed again."""
    loss = noticed.loss
    log_line, event = (
        (log.warning, "queue.taken_over") if loss.is_tail else (log.error, "queue.lost")
    )
    log_line(
        event,
        last_beat=loss.last_beat_at,
        since=loss.listed_since,
        folders=noticed.folders,
        dead_letters=noticed.dead,
    )
    for job_id in noticed.dead_ids:
        log.error("dead letter lost", job=job_id)
