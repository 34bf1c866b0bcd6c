"""The command that removes an application, and what waits for it only if that is wanted."""

from typing import Annotated

import typer

from postroom.application.ports import HandoverFilter
from postroom.domain.handover.application import Application
from postroom.domain.handover.fallback import falling_back_to
from postroom.domain.handover.handover import BACKLOG, State
from postroom.entrypoints.cli.application_lookup import find_own, of_owner
from postroom.entrypoints.cli.application_options import Name, Owner
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.prompts import confirm

COUNTED = 10_000

_NOT_ENDED = BACKLOG | {State.HELD, State.SHADOW}


def remove(
    name: Name,
    tenant: Owner = "",
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Delete what waits for it, for good.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove an application. Refused while it is a fallback, or messages wait for it."""

    async def waiting(admin: AdminContext) -> int:
        found = await find_own(admin, tenant, name)
        await _require_nobody_needs(admin, found)
        return await _not_ended(admin, found)

    count = with_admin(waiting)
    if count and not discard:
        raise CommandFailed(
            f"{counted(count)} for {name}: let them be handed over, or add --discard"
        )
    if not yes:
        what = f"Remove {name}, and discard what waits for it ({count})?"
        confirm(what if count else f"Remove {name}?", "it stays; to be asked nothing, add --yes")

    async def run(admin: AdminContext) -> int:
        found = await find_own(admin, tenant, name)
        discarded = await admin.handover_records.discard(found) if discard else 0
        await admin.applications.remove(found)
        return discarded

    discarded = with_admin(run)
    typer.echo(
        f"{name} is removed. Messages discarded: {discarded}."
        " Mail that is routed to it still waits, until it is routed elsewhere."
    )


async def _require_nobody_needs(admin: AdminContext, application: Application) -> None:
    """Raises CommandFailed."""
    needed_by = falling_back_to(application, await admin.applications.all())
    if needed_by:
        first = needed_by[0]
        change = f"postroom application set {first.name}{of_owner(first.tenant)} --fallback ''"
        raise CommandFailed(
            f"{application.name} is the fallback of {', '.join(each.name for each in needed_by)}."
            f" Give it another one, or none: {change}"
        )


async def _not_ended(admin: AdminContext, application: Application) -> int:
    chosen = HandoverFilter(
        tenant=application.tenant, application=application.name, states=frozenset(_NOT_ENDED)
    )
    return len(await admin.handover_records.find(chosen, limit=COUNTED))


def counted(count: int) -> str:
    number = f"{count} or more" if count >= COUNTED else str(count)
    return f"{number} message{' waits' if count == 1 else 's wait'}"
