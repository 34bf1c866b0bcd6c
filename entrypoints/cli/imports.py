"""`postroom import`: mailboxes of another system, with what that has handled."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from postroom.application.import_mailboxes import ExportedMailbox, Imported, ImportRefused
from postroom.entrypoints.cli.context import with_core
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.export_file import Entry, Export
from postroom.entrypoints.cli.lines import BadLine, summary
from postroom.entrypoints.cli.output import AsJson, print_json, print_table
from postroom.entrypoints.cli.progress import progress
from postroom.entrypoints.cli.shadow import when
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSON lines, as docs/migrating.md describes them.")
]
From = Annotated[
    datetime | None,
    typer.Option(
        "--from",
        parser=when,
        metavar="TIME",
        help="What came in before is the other system's. [the export's handled_since]",
    ),
]


@dataclass(frozen=True, slots=True)
class ImportedView:
    """*handled* counts the messages that are known to be handled, and *positions* the folders that
    go on where the other system was.
    """

    tenant: str
    mailbox: str
    provider: str
    result: Imported
    handled: int
    positions: int


def import_(
    file: File,
    since: From = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the mailboxes of another system, so that nothing that it has handled is handled again.

    Nothing is imported if anything in FILE is wrong. Run again, it goes on where it was cut off.
    """
    export = Export.open(file)
    begin = since or export.handled_since
    if begin < export.handled_since:
        raise typer.BadParameter(
            f"of before {export.handled_since:%Y-%m-%dT%H:%M:%SZ} the file does not say what was"
            " handled",
            param_hint="--from",
        )

    async def run(core: Core, settings: Settings) -> list[ImportedView]:
        checked = await _import(core, _entries(export, settings), begin, dry_run=True)
        if dry_run:
            return checked
        entries = _entries(export, settings)
        return await _import(core, entries, begin, dry_run=False, total=len(checked))

    views = with_core(run)
    if as_json:
        print_json({"since": begin, "dry_run": dry_run, "mailboxes": views})
        return
    print_table([asdict(each) for each in views])
    if dry_run:
        typer.echo("\nThis was a dry run: nothing was imported.")


def _entries(export: Export, settings: Settings) -> Iterator[Entry]:
    from postroom.entrypoints.container.providers import provider_options  # noqa: PLC0415
    from postroom.entrypoints.container.secrets import unsealing  # noqa: PLC0415

    return export.entries(provider_options(), unsealing(settings))


async def _import(
    core: Core,
    entries: Iterator[Entry],
    since: datetime,
    *,
    dry_run: bool,
    total: int | None = None,
) -> list[ImportedView]:
    """Raises CommandFailed if anything is bad: of a dry run, with all that is."""
    views: list[ImportedView] = []
    bad: list[BadLine] = []
    taken, seen = await core.import_mailboxes.taken(), set[tuple[str, str]]()
    with progress("checking" if dry_run else "importing", total) as done:
        for entry in entries:
            bad += entry.bad
            if entry.mailbox is None:
                continue
            name = entry.mailbox.tenant, entry.mailbox.id
            if name in seen:
                bad.append(BadLine(entry.line, "that mailbox is in the file already"))
                continue
            seen.add(name)
            try:
                result = await core.import_mailboxes(entry.mailbox, since, taken, dry_run=dry_run)
            except ImportRefused as error:
                bad.append(BadLine(entry.line, str(error)))
                if not dry_run:
                    break
            else:
                views.append(_view(entry.mailbox, result))
                done(len(views))
    if bad:
        raise CommandFailed(_refusal(bad, views, dry_run=dry_run))
    if not views:
        raise CommandFailed("the file has no mailbox")
    return views


def _refusal(bad: Sequence[BadLine], views: Sequence[ImportedView], *, dry_run: bool) -> str:
    named = summary(sorted(bad, key=lambda each: each.line), "imported")
    imported = 0 if dry_run else len(views)
    return f"{named}; {f'{imported} mailboxes were' if imported else 'nothing was'} imported"


def _view(mailbox: ExportedMailbox, result: Imported) -> ImportedView:
    return ImportedView(
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
        provider=mailbox.provider,
        result=result,
        handled=len(mailbox.handled) + len(mailbox.ids),
        positions=len(mailbox.positions),
    )
