"""Events of the user's own functions: which error, and where in the code; never what it says."""

import structlog

from postroom.application.call_processor import ProcessorEvents
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()


class LoggedProcessors(ProcessorEvents):
    def failed(self, processor: str, error: Exception, *, charged: bool) -> None:
        log.error("processor failed", processor=processor, charged=charged, **error_fields(error))
