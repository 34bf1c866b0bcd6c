from collections.abc import Sequence

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import Applications
from postroom.domain.handover.application import INSTALLATION, Application, InvalidApplication

_ROUTE = ""
"""The key of the one row of its table."""


class InMemoryApplications(Applications):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    async def add(self, application: Application) -> None:
        for other in self._rows():
            if other.name == application.name:
                _refuse_taken(application, other.tenant)
        async with self._database.transaction(application.tenant) as tables:
            tables.applications[application.name] = application

    async def get(self, tenant: str, name: str) -> Application | None:
        own = await self.owned(tenant, name)
        found = own or self._database.installation.applications.get(name)
        return None if found and found.is_subscriber else found

    async def owned(self, owner: str, name: str) -> Application | None:
        return self._database.read(owner).applications.get(name)

    async def all(self, *, tenant: str | None = None) -> Sequence[Application]:
        return [
            application
            for application in self._rows()
            if tenant is None or application.tenant in (INSTALLATION, tenant)
            if not application.is_subscriber
        ]

    async def subscribers(self) -> Sequence[Application]:
        return [application for application in self._rows() if application.is_subscriber]

    async def replace(self, before: Application, after: Application) -> bool:
        if (before.tenant, before.name) != (after.tenant, after.name):
            raise InvalidApplication("an application keeps its name and its owner")
        async with self._database.transaction(before.tenant) as tables:
            if tables.applications.get(before.name) != before:
                return False
            tables.applications[before.name] = after
        return True

    async def remove(self, application: Application) -> bool:
        async with self._database.transaction(application.tenant) as tables:
            tables.standings.pop(application.name, None)
            return tables.applications.pop(application.name, None) is not None

    def _rows(self) -> Sequence[Application]:
        searched = self._database.across_tenants()
        found = [row for tables in searched for row in tables.applications.values()]
        return sorted(found, key=lambda application: (application.tenant, application.name))

    async def route(self, tenant: str) -> str:
        return self._database.read(tenant).application_routes.get(_ROUTE, "")

    async def set_route(self, tenant: str, name: str) -> None:
        async with self._database.transaction(tenant) as tables:
            if name:
                tables.application_routes[_ROUTE] = name
            else:
                tables.application_routes.pop(_ROUTE, None)


def _refuse_taken(application: Application, by: str) -> None:
    if by == application.tenant:
        raise InvalidApplication(
            "there is one of that name already, an application or a subscriber: choose another"
        )
    if by == INSTALLATION:
        raise InvalidApplication("the installation has one of that name: choose another")
    if application.tenant == INSTALLATION:
        raise InvalidApplication("a tenant has one of that name: choose another")
