"""Commands for the dead letters: look, and drive again."""

from typing import Annotated

import typer

from application.ports import DeadLetter
from entrypoints.cli.failed import CommandFailed
from entrypoints.cli.output import AnyTenant, AsJson, Limit, Row, show
from entrypoints.cli.wired import Tools, with_tools

dead = typer.Typer(no_args_is_help=True, help="Look at the dead letters, and drive them again.")


@dead.command("list")
def list_dead(
    tenant: AnyTenant = "",
    mailbox: Annotated[str, typer.Option(help="Only of this mailbox.")] = "",
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, newest first, with the reason of each."""

    async def find(tools: Tools) -> list[Row]:
        letters = await tools.queue.dead_letters(tenant=tenant, mailbox=mailbox, limit=limit)
        return [_row(letter) for letter in letters]

    show(
        with_tools(find),
        as_json=as_json,
        empty="No dead letters match. What still waits: postroom queue",
        only_json=("provider", "attempts", *(["tenant"] if tenant else [])),
        prose=("reason",),
    )


def _row(letter: DeadLetter) -> Row:
    return {
        "job": letter.job.id,
        "tenant": letter.job.tenant,
        "mailbox": letter.job.mailbox,
        "provider": letter.job.pointer.provider,
        "died": letter.died_at,
        "attempts": letter.attempts,
        "reason": letter.reason,
    }


@dead.command()
def redrive(
    job: Annotated[str, typer.Argument(help="The job id, as `postroom dead list` shows it.")],
) -> None:
    """Queue a dead letter again, as if it had never been tried."""
    if not with_tools(lambda tools: tools.queue.redrive(job)):
        raise CommandFailed(f"no dead letter has the id {job}; see: postroom dead list")
    typer.echo(f"{job} is queued again.")
