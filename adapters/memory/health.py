from dataclasses import dataclass

from postroom.application.ports import HealthCheck
from postroom.domain.failure import Unavailable


@dataclass
class InMemoryHealthCheck(HealthCheck):
    """*complaint*, unless empty, is what is wrong and what to do."""

    name: str = "memory"
    complaint: str = ""

    async def __call__(self) -> None:
        if self.complaint:
            raise Unavailable(self.complaint)
