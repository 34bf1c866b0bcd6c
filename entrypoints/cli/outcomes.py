"""The command that looks up what became of mail."""

from typing import Annotated

import typer

from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.output import AsJson, Limit, Row, Tenant, show
from postroom.entrypoints.views.outcomes import OutcomeView, outcome_view


def outcomes(
    tenant: Tenant = "default",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    identity: Annotated[str, typer.Option(help="Only of this message (rfc5322:…).")] = "",
    job: Annotated[str, typer.Option(help="Only of this job id.")] = "",
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Look up what became of each pointer, newest first."""

    async def find(admin: AdminContext) -> list[OutcomeView]:
        found = await admin.outcomes.find(
            tenant, mailbox=mailbox, identity=identity, job_id=job, limit=limit
        )
        return [outcome_view(record) for record in found]

    show(
        with_admin(find),
        _row,
        as_json=as_json,
        empty=f"No outcome of the tenant {tenant} matches. What still waits: postroom queue",
        prose=("detail",),
    )


def _row(outcome: OutcomeView) -> Row:
    return {
        "at": outcome.at,
        "mailbox": outcome.job.mailbox,
        "outcome": outcome.outcome,
        "detail": detail_of(outcome),
        "attempt": outcome.attempt,
        "identity": outcome.identity,
    }


def detail_of(outcome: OutcomeView) -> str:
    """What the outcome's name leaves open."""
    return f"{outcome.effect} {outcome.detail}" if outcome.effect else outcome.detail
