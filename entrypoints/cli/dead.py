"""Commands for the dead letters: list, show, redrive, purge."""

from typing import Annotated

import typer

from postroom.application.ports import DeadLetterPage, InvalidCursor
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.dead_actions import PURGE, REDRIVE, Found, look, move, preview
from postroom.entrypoints.cli.dead_filter import (
    Chosen,
    NewerThan,
    OfMailbox,
    OfProvider,
    OlderThan,
    WithReason,
)
from postroom.entrypoints.cli.dead_output import print_letter, print_letters
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import AnyTenant, AsJson, Limit, print_json
from postroom.entrypoints.cli.prompts import confirm
from postroom.entrypoints.views.dead_letters import dead_letter_view, dead_letters_view

dead = typer.Typer(
    no_args_is_help=True, help="Look at the dead letters, redrive them, or purge them."
)

Jobs = Annotated[
    list[str] | None, typer.Argument(metavar="JOB", help="Ids, as `postroom dead list` shows.")
]
Every = Annotated[bool, typer.Option("--all", help="Every dead letter there is.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which would be meant.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Unsure = Annotated[
    bool, typer.Option("--unsure", help="Also what is held, as nobody knows how its call ended.")
]
Rate = Annotated[
    float, typer.Option(min=0, help="So many a second at most. [no limit]", show_default=False)
]


@dead.command("list")
def list_dead(
    tenant: AnyTenant = "",
    mailbox: OfMailbox = "",
    provider: OfProvider = "",
    reason: WithReason = "",
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = 50,
    after: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    *,
    unsure: Unsure = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, newest first, with the reason of each: pointers and handovers."""
    chosen = Chosen(tenant, mailbox, provider, reason, older_than, newer_than, held=unsure)

    async def find(admin: AdminContext) -> DeadLetterPage:
        return await _page(admin, chosen.as_of(admin.clock.now(), admin.providers), limit, after)

    page = dead_letters_view(with_admin(find))
    if as_json:
        print_json(page)
        return
    if page.letters:
        print_letters(page.letters, with_tenant=not tenant)
    else:
        typer.echo("No dead letters match. What still waits: postroom queue")
    if page.next:
        typer.echo(f"There may be more: add --after {page.next}", err=True)


async def _page(
    admin: AdminContext, chosen: DeadLetterFilter, limit: int, after: str
) -> DeadLetterPage:
    """The next *limit* letters that match, however many pages of the port they take."""
    page = DeadLetterPage([], after)
    try:
        while len(page.letters) < limit:
            left = limit - len(page.letters)
            more = await admin.dead_letters.queue.dead_letters(chosen, limit=left, after=page.next)
            page = DeadLetterPage([*page.letters, *more.letters], more.next)
            if not page.next:
                break
    except InvalidCursor:
        raise typer.BadParameter("no list has ended there", param_hint="--after") from None
    return page


@dead.command("show")
def show_dead(
    job: Annotated[str, typer.Argument(help="The id, as `postroom dead list` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: what it points at, and what ended each delivery."""
    letter = with_admin(lambda admin: admin.dead_letters.queue.dead_letter(job))
    if letter is None:
        raise CommandFailed(f"no dead letter has the id {job}; see: postroom dead list")
    view = dead_letter_view(letter)
    if as_json:
        print_json(view)
    else:
        print_letter(view)


@dead.command()
def redrive(
    jobs: Jobs = None,
    tenant: AnyTenant = "",
    mailbox: OfMailbox = "",
    provider: OfProvider = "",
    reason: WithReason = "",
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    rate: Rate = 0,
    *,
    every: Every = False,
    unsure: Unsure = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Queue dead letters again, as if they had never been tried: by id, those chosen, or all."""
    chosen = Chosen(tenant, mailbox, provider, reason, older_than, newer_than, held=unsure)
    found = look(jobs or [], chosen, every=every)
    if dry_run:
        preview(found, as_json=as_json)
    else:
        if not yes:
            _confirm_again(found)
        move(REDRIVE, found, rate, as_json=as_json)


@dead.command()
def purge(
    jobs: Jobs = None,
    tenant: AnyTenant = "",
    mailbox: OfMailbox = "",
    provider: OfProvider = "",
    reason: WithReason = "",
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    rate: Rate = 0,
    *,
    every: Every = False,
    unsure: Unsure = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget dead letters for good: by id, those chosen, or all. Mailboxes are left as they are."""
    chosen = Chosen(tenant, mailbox, provider, reason, older_than, newer_than, held=unsure)
    found = look(jobs or [], chosen, every=every)
    if dry_run:
        preview(found, as_json=as_json)
    else:
        if not yes:
            _confirm(found)
        move(PURGE, found, rate, as_json=as_json)


def _confirm_again(found: Found) -> None:
    """Raises CommandFailed unless a person says yes, or no application may do anything twice."""
    if count := found.survey.forgotten:
        confirm(
            f"Of {count} handovers the keys may be forgotten by now, and the application would do"
            " them twice. Call again?",
            "nothing was redriven; to be asked nothing, add --yes",
        )


def _confirm(found: Found) -> None:
    """Raises CommandFailed unless a person says yes, or there is nothing to purge."""
    count = found.survey.matched
    if count:
        confirm(
            f"Forget {count} dead letter{'' if count == 1 else 's'} for good?",
            "nothing was purged; to purge without being asked, add --yes",
        )
