"""`/api/v1`: what a tenant's own systems may read, by bearer token, and never of another tenant."""

from collections.abc import Sequence
from datetime import datetime

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from postroom.application.all_dead_letters import AllDeadLetters
from postroom.application.ports import InvalidCursor
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.helpdesk.ticket import Document
from postroom.domain.identity import normalise_message_id
from postroom.entrypoints.api.bearer import tenant_by_token
from postroom.entrypoints.api.files import harmless, saved_as
from postroom.entrypoints.api.handover_reads import applications, handover, handovers
from postroom.entrypoints.api.parameters import Limit, Name, aware
from postroom.entrypoints.api.problems import (
    INVALID_REQUEST,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    described,
)
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.views.dead_letters import (
    DeadLettersView,
    DeadLetterView,
    dead_letter_view,
    dead_letters_view,
)
from postroom.entrypoints.views.mailboxes import MailboxView, mailbox_views
from postroom.entrypoints.views.outcomes import OutcomeView, outcome_view
from postroom.entrypoints.views.queue import QueueView, queue_view
from postroom.entrypoints.views.tickets import (
    TicketSummaryView,
    TicketView,
    ticket_summary_view,
    ticket_view,
)

ERRORS = described(INVALID_REQUEST, UNAUTHENTICATED, UNAVAILABLE)


@get("/mailboxes", responses=ERRORS)
async def mailboxes(
    tenant: NamedDependency[str], services: NamedDependency[Services]
) -> Sequence[MailboxView]:
    """The tenant's mailboxes, without their credentials."""
    folder_syncs = await services.folder_syncs.all(tenant=tenant)
    mailboxes = await services.registry.all(tenant=tenant)
    return mailbox_views(mailboxes, folder_syncs, services.providers, services.clock.now())


@get("/queue", responses=ERRORS)
async def queue(tenant: NamedDependency[str], services: NamedDependency[Services]) -> QueueView:
    """How many jobs wait, are worked on, and lie dead: in all, and of each mailbox."""
    lanes = await services.queue.statistics()
    return queue_view([lane for lane in lanes if lane.tenant == tenant])


@get("/dead-letters", responses=ERRORS)
async def dead_letters(
    tenant: NamedDependency[str],
    services: NamedDependency[Services],
    *,
    mailbox: Name = "",
    provider: Name = "",
    reason: Name = "",
    died_after: FromQuery[datetime | None] = None,
    died_before: FromQuery[datetime | None] = None,
    unsure: FromQuery[bool] = False,
    limit: Limit = 100,
    after: Name = "",
) -> DeadLettersView:
    """Jobs and handovers that were given up, newest first, with what ended each.

    With *unsure* also handovers that are held, as nobody knows how their calls ended.

    *reason*: text that the last one holds, in any case. *died_after* is the first moment that
    counts, *died_before* the first that does not any more; in UTC where they have no offset.
    """
    if provider and provider not in services.providers:
        raise INVALID_REQUEST(f"`provider` is one of: {', '.join(services.providers)}.")
    chosen = DeadLetterFilter(
        tenant=tenant,
        mailbox=mailbox,
        provider=provider,
        reason=reason,
        died_after=aware(died_after),
        died_before=aware(died_before),
        held=unsure,
    )
    try:
        page = await _all(services).dead_letters(chosen, limit=limit, after=after)
    except InvalidCursor:
        raise INVALID_REQUEST("No page has ended at `after`.") from None
    return dead_letters_view(page)


def _all(services: Services) -> AllDeadLetters:
    return AllDeadLetters(services.queue, services.handover_records, services.applications)


@get("/dead-letters/{job:str}", responses=ERRORS | described(NOT_FOUND))
async def dead_letter(
    job: FromPath[str], tenant: NamedDependency[str], services: NamedDependency[Services]
) -> DeadLetterView:
    """A dead letter, by its id: that of a job, or one that the list has."""
    letter = await _all(services).dead_letter(job)
    if letter is None or letter.tenant != tenant:
        raise NOT_FOUND("There is no dead letter of that id.")
    return dead_letter_view(letter)


@get("/outcomes", responses=ERRORS)
async def outcomes(
    tenant: NamedDependency[str],
    services: NamedDependency[Services],
    *,
    mailbox: Name = "",
    identity: Name = "",
    job: Name = "",
    limit: Limit = 100,
) -> Sequence[OutcomeView]:
    """What became of pointers, newest first.

    *identity*: a Message-ID, or an outcome's `identity`.
    """
    records = await services.outcomes.find(
        tenant, mailbox=mailbox, identity=_identity(identity), job_id=job, limit=limit
    )
    return [outcome_view(record) for record in records]


def _identity(message: str) -> str:
    """`<a@B.example>` as it stands in a mail, or the name under which outcomes hold it."""
    return f"rfc5322:{normalise_message_id(message)}" if message.startswith("<") else message


@get("/tickets", responses=ERRORS)
async def tickets(
    tenant: NamedDependency[str], services: NamedDependency[Services], *, limit: Limit = 100
) -> Sequence[TicketSummaryView]:
    """The newest tickets, newest first."""
    summaries = await services.helpdesk.summaries(tenant, limit=limit)
    return [ticket_summary_view(summary) for summary in summaries]


@get("/tickets/{number:int}", responses=ERRORS | described(NOT_FOUND))
async def ticket(
    number: FromPath[int], tenant: NamedDependency[str], services: NamedDependency[Services]
) -> TicketView:
    """A ticket with its comments and what is known of their documents."""
    found = await services.helpdesk.ticket(tenant, number)
    if found is None:
        raise NOT_FOUND("There is no ticket of that number.")
    return ticket_view(found)


@get(
    "/tickets/{number:int}/documents/{key:str}",
    media_type="application/octet-stream",
    responses=ERRORS | described(NOT_FOUND),
)
async def document(
    number: FromPath[int],
    key: FromPath[str],
    tenant: NamedDependency[str],
    services: NamedDependency[Services],
) -> Response[bytes]:
    """The content of a document, or of an original, to be saved: a browser is not to show it."""
    described = await _document(services, tenant, number, key)
    content = await services.blobs.get(tenant, described.blob) if described else None
    if described is None or content is None:
        raise NOT_FOUND("The ticket has no such document.")
    return Response(
        content,
        media_type=harmless(described.content_type),
        headers=saved_as(described.filename or "document"),
    )


async def _document(services: Services, tenant: str, number: int, key: str) -> Document | None:
    found = await services.helpdesk.ticket(tenant, number)
    for comment in found.comments if found else ():
        for document in (*comment.documents, comment.original_document):
            if document and document.blob == key:
                return document
    return None


def routes(services: Services) -> Router:
    return Router(
        "/api/v1",
        route_handlers=[
            mailboxes,
            queue,
            dead_letters,
            dead_letter,
            outcomes,
            tickets,
            ticket,
            document,
            applications,
            handovers,
            handover,
        ],
        guards=[tenant_by_token(services.api_tokens)],
        dependencies={"tenant": Provide(_tenant, sync_to_thread=False)},
        security=[{"token": []}],
        tags=["reads"],
    )


def _tenant(request: Request[object, str, State]) -> str:
    return request.auth
