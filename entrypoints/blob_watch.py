"""Has others read what this process writes as blobs, and looks whether it can read theirs.

The API says so by its readiness, too; a worker has nothing else to say it by.
"""

from dataclasses import dataclass
from typing import NoReturn

import structlog

from postroom.application.check_blobs import SEEN_EVERY, CheckBlobs
from postroom.application.ports import Clock
from postroom.domain.failure import Failure
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()


@dataclass(slots=True)
class BlobWatch:
    """*failed_with* is what was wrong at the last look: it is logged when that changes."""

    check: CheckBlobs
    clock: Clock
    failed_with: str = ""

    async def run(self) -> NoReturn:
        while True:
            await self._look()
            await self.clock.sleep(SEEN_EVERY)

    async def _look(self) -> None:
        try:
            await self.check()
        except Failure as failure:
            if failure.reason != self.failed_with:
                log.error("blobs out of order", reason=failure.reason)  # noqa: TRY400
            self.failed_with = failure.reason
        except Exception as error:  # noqa: BLE001 - the mail comes on without it
            log.error("blob watch crashed", **error_fields(error))  # noqa: TRY400
        else:
            if self.failed_with:
                log.info("blobs in order again")
            self.failed_with = ""
