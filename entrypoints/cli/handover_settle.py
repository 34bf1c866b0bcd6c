"""Commands that settle a handover by hand: redrive, skip, done."""

from collections.abc import Container
from datetime import datetime
from typing import Annotated

import typer

from postroom.application.orphans import is_orphaned
from postroom.application.ports import HandoverRecord
from postroom.domain.handover.handover import State
from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.prompts import confirm

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="As `postroom handover list` shows it; its head will do."),
]
OfApplication = Annotated[
    str, typer.Option("--application", help="The application's, where several have the message.")
]
Why = Annotated[str, typer.Option("--reason", help="Shown to whoever asks why.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

HANDLED = frozenset({State.DONE, State.DUPLICATE})
IN_SHADOW = "it is in shadow; to hand over what the old system has not: postroom shadow release"


def redrive(key: Key, application: OfApplication = "", *, yes: Yes = False) -> None:
    """Call with it again, as if it had never been tried: it was dead, refused, or held."""

    async def find(admin: AdminContext) -> tuple[HandoverRecord, str]:
        record = await find_handover(admin, key, application)
        await require_callable(admin, record)
        return record, doubt(record, admin.clock.now())

    record, in_doubt = with_admin(find)
    if in_doubt and not yes:
        confirm(f"{in_doubt} Call again?", "nothing was changed; to be asked nothing, add --yes")
    _move(record, State.WAITING, "redriven by hand")
    typer.echo(f"{record.handover.key} waits for its call.")


def skip(key: Key, application: OfApplication = "", reason: Why = "skipped by hand") -> None:
    """Have nothing done with it: no more calls."""
    record = with_admin(lambda admin: find_handover(admin, key, application))
    _refuse(record, HANDLED | {State.SKIPPED, State.MOVED})
    _move(record, State.SKIPPED, reason)
    typer.echo(f"{record.handover.key} is skipped.")


def done(key: Key, application: OfApplication = "", reason: Why = "done by hand") -> None:
    """Say that the application has it: no more calls."""
    record = with_admin(lambda admin: find_handover(admin, key, application))
    _refuse(record, HANDLED | {State.MOVED})
    _move(record, State.DONE, reason)
    typer.echo(f"{record.handover.key} is done.")


async def find_handover(admin: AdminContext, key: str, application: str = "") -> HandoverRecord:
    """Raises CommandFailed."""
    record = await admin.handover_records.get(key, application=application)
    if record is None:
        raise CommandFailed(f"no handover has the key {key}; see: postroom handover list")
    return record


async def require_callable(admin: AdminContext, record: HandoverRecord) -> None:
    """Raises CommandFailed where nobody would call with it."""
    handover = record.handover
    if handover.state is State.SHADOW:
        raise CommandFailed(IN_SHADOW)
    if handover.state is State.MOVED:
        raise CommandFailed(f"{handover.reason}: name that with --application")
    if await is_orphaned(admin.applications, handover):
        raise CommandFailed(
            f"the application {handover.application} was removed, so nobody would call with it:"
            " add it again"
        )


def doubt(record: HandoverRecord, now: datetime) -> str:
    """What a person should know before it is called again; empty if there is nothing."""
    if now >= record.handover.keep_key_until:
        return "The application may have forgotten its key by now, and would do it twice."
    if record.handover.state in HANDLED:
        return "The application has it already, and does nothing if it still has the key."
    return ""


def _refuse(record: HandoverRecord, states: Container[State]) -> None:
    """Raises CommandFailed if it is in one of *states*."""
    if record.handover.state in states:
        raise CommandFailed(f"it has ended already: {record.handover.state.value}")


def _move(record: HandoverRecord, to: State, reason: str) -> None:
    """Raises CommandFailed."""
    if not with_admin(lambda admin: admin.handover_records.move(record, to, reason)):
        raise CommandFailed("it has changed just now: look at it, and try again")
