"""`/api/v1`: what a tenant's own systems may read of its applications and their handovers."""

from collections.abc import Sequence
from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from postroom.application.ports import HandoverFilter
from postroom.domain.handover.handover import State
from postroom.entrypoints.api.parameters import Limit, Name, aware
from postroom.entrypoints.api.problems import (
    INVALID_REQUEST,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    described,
)
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.views.applications import ApplicationView, application_view
from postroom.entrypoints.views.handovers import HandoverView, handover_view

ERRORS = described(INVALID_REQUEST, UNAUTHENTICATED, UNAVAILABLE)


@get("/applications", responses=ERRORS)
async def applications(
    tenant: NamedDependency[str], services: NamedDependency[Services]
) -> Sequence[ApplicationView]:
    """The tenant's own applications, how they answer, and what waits for them."""
    views = []
    for each in await services.applications.all(tenant=tenant):
        if each.tenant == tenant:  # what waits for the installation's is of other tenants as well
            health, _ = await services.handovers.health(each)
            views.append(application_view(each, health, await services.handovers.backlog(each)))
    return views


@get("/handovers", responses=ERRORS)
async def handovers(
    tenant: NamedDependency[str],
    services: NamedDependency[Services],
    *,
    application: Name = "",
    mailbox: Name = "",
    identity: Name = "",
    states: FromQuery[list[State] | None] = None,
    accepted_since: FromQuery[datetime | None] = None,
    accepted_before: FromQuery[datetime | None] = None,
    limit: Limit = 100,
    after: Name = "",
) -> Sequence[HandoverView]:
    """Handovers of messages, newest first; *after* is the key of the last one that was seen."""
    chosen = HandoverFilter(
        tenant=tenant,
        application=application,
        mailbox=mailbox,
        identity=identity,
        of_messages=True,
        states=frozenset(states or ()),
        since=aware(accepted_since),
        until=aware(accepted_before),
    )
    found = await services.handover_records.find(chosen, limit=limit, after=after)
    return [handover_view(record) for record in found]


@get("/handovers/{key:str}", responses=ERRORS | described(NOT_FOUND))
async def handover(
    key: FromPath[str],
    tenant: NamedDependency[str],
    services: NamedDependency[Services],
    *,
    application: Name = "",
) -> HandoverView:
    """A handover, by its key; *application* is needed where several have the message."""
    record = await services.handover_records.get(key, tenant=tenant, application=application)
    if record is None:
        raise NOT_FOUND("There is no handover of that key.")
    return handover_view(record)
