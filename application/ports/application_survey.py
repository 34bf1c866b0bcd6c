"""What waits for all applications, at one look."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ports.handovers import Backlog
from postroom.domain.handover.application_state import ApplicationState


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedApplication:
    """*owner* is a tenant, or the installation ("")."""

    owner: str
    name: str
    state: ApplicationState
    backlog: Backlog


class ApplicationSurvey(Protocol):
    """How the applications stand; none of their secrets is read."""

    @abstractmethod
    async def applications(self) -> Sequence[SurveyedApplication]:
        """Every application, by owner and name. It costs as much as there is of backlogs."""
