"""Events of jobs that are suspected of killing processes."""

import structlog

from postroom.application.ports import Claim
from postroom.application.run_suspect import SuspectEvents
from postroom.entrypoints.telemetry.events import claim_fields

log = structlog.get_logger()


class LoggedSuspects(SuspectEvents):
    def began(self, claim: Claim) -> None:
        log.warning("suspect", **claim_fields(claim), crashes=claim.crashes)

    def cleared(self, claim: Claim) -> None:
        log.info("suspect cleared", **claim_fields(claim))

    def killed(self, claim: Claim, how: str, *, dead: bool) -> None:
        log.error("suspect killed its process", **claim_fields(claim), exit=how, dead=dead)
