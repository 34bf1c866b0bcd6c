"""The command that shows what waits."""

from collections.abc import Sequence
from typing import Annotated

import typer

from postroom.application.ports import LaneStatistics
from postroom.application.queue_totals import Totals, totals_by_tenant, totals_of
from postroom.entrypoints.cli.context import with_admin
from postroom.entrypoints.cli.output import AnyTenant, AsJson, Row, one_line, print_json, show

MANY = 20
"""Lanes: if there are more, people are shown the tenants instead."""


def queue(
    tenant: AnyTenant = "",
    *,
    every_lane: Annotated[
        bool, typer.Option("--lanes", help=f"Each mailbox, also if there are more than {MANY}.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what waits, in all and of each mailbox: how many jobs, the oldest's age, pauses."""
    found = with_admin(lambda admin: admin.queue.statistics())
    lanes = [lane for lane in found if tenant in ("", lane.tenant)]
    if as_json:
        print_json(_everything(lanes))
    elif not lanes:
        typer.echo("Nothing is queued. What has been handled: postroom outcomes")
    else:
        _print(lanes, every_lane=every_lane or len(lanes) <= MANY)


def _everything(lanes: Sequence[LaneStatistics]) -> Row:
    return {
        "totals": _numbers(totals_of(lanes)),
        "tenants": _tenants(lanes),
        "lanes": [_lane(lane) for lane in lanes],
    }


def _print(lanes: Sequence[LaneStatistics], *, every_lane: bool) -> None:
    if every_lane:
        unpaused = () if any(lane.paused for lane in lanes) else ("paused", "paused_until")
        rows = [_lane(lane) for lane in lanes]
        show(rows, as_json=False, empty="", only_json=unpaused, prose=("paused",))
    else:
        show(_tenants(lanes), as_json=False, empty="")
    if len(lanes) > 1:
        typer.echo(f"\n{_in_words(totals_of(lanes), tenants=len(totals_by_tenant(lanes)))}")
    if not every_lane:
        typer.echo("Each mailbox: postroom queue --lanes")


def _in_words(totals: Totals, *, tenants: int) -> str:
    numbers = (
        f"In all: {totals.ready} ready, {totals.delayed} delayed, {totals.in_flight} in flight,"
        f" {totals.dead} dead"
    )
    where = f"{totals.lanes} mailboxes of {tenants} tenant{'' if tenants == 1 else 's'}"
    age = f"; the oldest is {one_line(totals.oldest_age)} old" if totals.ready else ""
    return f"{numbers}, in {where}, {totals.paused} paused{age}."


def _tenants(lanes: Sequence[LaneStatistics]) -> list[Row]:
    return [
        {"tenant": tenant, **_numbers(totals)} for tenant, totals in totals_by_tenant(lanes).items()
    ]


def _numbers(totals: Totals) -> Row:
    return {
        "mailboxes": totals.lanes,
        "paused": totals.paused,
        "ready": totals.ready,
        "delayed": totals.delayed,
        "in_flight": totals.in_flight,
        "dead": totals.dead,
        "oldest": totals.oldest_age,
    }


def _lane(lane: LaneStatistics) -> Row:
    return {
        "tenant": lane.tenant,
        "mailbox": lane.mailbox,
        "ready": lane.ready,
        "delayed": lane.delayed,
        "in_flight": lane.in_flight,
        "dead": lane.dead,
        "oldest": lane.oldest_age,
        "paused": lane.paused,
        "paused_until": lane.paused_until,
    }
