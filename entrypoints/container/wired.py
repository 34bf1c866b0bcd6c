from dataclasses import dataclass

from postroom.adapters.redis.claim_record import ClaimRecords
from postroom.application.slow_calls import SlowCalls
from postroom.entrypoints.application import Application
from postroom.entrypoints.telemetry.sdk import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired(Application):
    """The application, and what observes it: a command that only looks need not import that."""

    telemetry: Telemetry
    slow_calls: SlowCalls
    claim_records: ClaimRecords
