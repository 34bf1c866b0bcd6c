from dataclasses import dataclass

from postroom.adapters.redis.claim_record import ClaimRecords
from postroom.application.slow_calls import SlowCalls
from postroom.entrypoints.core import Core
from postroom.entrypoints.telemetry.sdk import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired(Core):
    """The core, and what observes it: a command that only looks need not import that."""

    telemetry: Telemetry
    slow_calls: SlowCalls
    claim_records: ClaimRecords
