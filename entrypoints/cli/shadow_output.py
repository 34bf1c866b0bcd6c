"""How a comparison with another system, and a release, are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import typer

from postroom.application.release_shadow import Released
from postroom.domain.handover.comparison import BY_MESSAGE_ID, Comparison, Ours, Theirs
from postroom.entrypoints.cli.lines import BadLine, summary
from postroom.entrypoints.cli.output import Row, one_line, print_json, print_table

SHOWN = 20
"""Messages of each kind that people are shown."""


def print_comparison(
    found: Comparison, bad: Sequence[BadLine], since: datetime, until: datetime, *, as_json: bool
) -> None:
    if as_json:
        print_json(_as_json(found, bad, since, until))
        return
    if bad:
        typer.echo(f"postroom: {summary(bad)}", err=True)
    typer.echo(
        f"{one_line(since)} to {one_line(until)} UTC: {found.same} the same,"
        f" {len(found.only_there)} only there, {len(found.only_here)} only here,"
        f" {len(found.late)} later here, {len(found.different)} of another result."
    )
    if found.unnamed:
        typer.echo(f"{found.unnamed} of ours have no Message-ID, and cannot be compared.")
    rows = _rows(found)
    if rows:
        typer.echo()
        print_table(rows, prose=("message_id",))


def _as_json(
    found: Comparison, bad: Sequence[BadLine], since: datetime, until: datetime
) -> Mapping[str, object]:
    return {
        "since": since,
        "until": until,
        "same": found.same,
        "unnamed": found.unnamed,
        "only_there": [_theirs(each) for each in found.only_there],
        "only_here": [_ours(each) for each in found.only_here],
        "late": [{"there": _theirs(its), "here": _ours(mine)} for its, mine in found.late],
        "different": [
            {"there": _theirs(its), "here": _ours(mine)} for its, mine in found.different
        ],
        "bad_lines": [asdict(each) for each in bad],
    }


def _theirs(each: Theirs) -> Mapping[str, object]:
    return {
        "line": each.line,
        "message_id": each.identity.removeprefix(BY_MESSAGE_ID),
        "mailbox": each.mailbox,
        "handled_at": each.handled_at,
        "result": each.result,
    }


def _ours(each: Ours) -> Mapping[str, object]:
    return {
        "tenant": each.tenant,
        "mailbox": each.mailbox,
        "message_id": each.identity.removeprefix(BY_MESSAGE_ID),
        "accepted_at": each.accepted_at,
        "result": each.result,
    }


def _rows(found: Comparison) -> list[Row]:
    """The first of each kind, the worst kind first."""
    kinds = {
        "only there": [_row(its, None) for its in found.only_there[:SHOWN]],
        "only here": [_row(None, mine) for mine in found.only_here[:SHOWN]],
        "another result": [_row(*pair) for pair in found.different[:SHOWN]],
        "later here": [_row(*pair) for pair in found.late[:SHOWN]],
    }
    return [{"what": what, **row} for what, rows in kinds.items() for row in rows]


def _row(its: Theirs | None, mine: Ours | None) -> Row:
    there = _theirs(its) if its else {}
    here = _ours(mine) if mine else {}
    return {
        "line": there.get("line"),
        "mailbox": f"{here['tenant']}/{here['mailbox']}" if here else there["mailbox"],
        "there": f"{there['result']} {one_line(there['handled_at'])}" if there else "",
        "here": f"{here['result']} {one_line(here['accepted_at'])}" if here else "",
        "message_id": (there or here)["message_id"],
    }


def print_released(
    released: Sequence[Released], since: datetime, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        print_json({"since": since, "dry_run": dry_run, "mailboxes": released})
        return
    if not released:
        typer.echo("No mailbox matches. Those that there are: postroom mailbox list")
        return
    print_table([asdict(each) for each in released])
    if dry_run:
        typer.echo("\nThis was a dry run: nothing was changed.")
    if any(each.left for each in released):
        typer.echo(
            "\nWhat is left was received in shadow, and ingress still is: set it to off or queue,"
            " start the parts again, and run this once more."
        )
