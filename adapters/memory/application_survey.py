from collections.abc import Sequence

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.application.ports import ApplicationSurvey, SurveyedApplication
from postroom.domain.handover.application import Application
from postroom.domain.handover.application_state import application_state


class InMemoryApplicationSurvey(ApplicationSurvey):
    def __init__(self, applications: InMemoryApplications, handovers: InMemoryHandovers) -> None:
        self._applications = applications
        self._handovers = handovers

    async def applications(self) -> Sequence[SurveyedApplication]:
        return [await self._surveyed(each) for each in await self._applications.all()]

    async def _surveyed(self, application: Application) -> SurveyedApplication:
        health, _ = await self._handovers.health(application)
        return SurveyedApplication(
            owner=application.tenant,
            name=application.name,
            state=application_state(
                application.mode, health.condition, paused_by_person=application.is_paused
            ),
            backlog=await self._handovers.backlog(application),
        )
