"""The command that shows what waits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from postroom.entrypoints.cli.context import AdminContext, with_admin
from postroom.entrypoints.cli.output import (
    AnyTenant,
    AsJson,
    Row,
    of_tenant,
    one_line,
    print_json,
    print_table,
)
from postroom.entrypoints.views.queue import (
    LaneView,
    QueueView,
    TenantTotalsView,
    TotalsView,
    queue_view,
)

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

    async def find(admin: AdminContext) -> QueueView:
        found = await admin.queue.statistics()
        return queue_view([lane for lane in found if tenant in ("", lane.tenant)])

    view = with_admin(find)
    if as_json:
        print_json(view)
    elif not view.lanes:
        handled = f"postroom outcomes{of_tenant(tenant)}"
        typer.echo(f"Nothing is queued. What has been handled: {handled}")
    else:
        _print_queue(view, every_lane=every_lane or len(view.lanes) <= MANY)


def _print_queue(queue: QueueView, *, every_lane: bool) -> None:
    if every_lane:
        print_table(_lane_rows(queue.lanes), prose=("paused",))
    else:
        print_table([_tenant_row(totals) for totals in queue.tenants])
    if len(queue.lanes) > 1:
        typer.echo(f"\n{_summary(queue.totals, tenants=len(queue.tenants))}")
    if not every_lane:
        typer.echo("Each mailbox: postroom queue --lanes")


def _lane_rows(lanes: Sequence[LaneView]) -> list[Row]:
    """Pauses have columns only where there are any."""
    if not any(lane.paused for lane in lanes):
        return [_lane_row(lane) for lane in lanes]
    return [
        {**_lane_row(lane), "paused": lane.paused, "paused_until": lane.paused_until}
        for lane in lanes
    ]


def _lane_row(lane: LaneView) -> Row:
    return {"tenant": lane.tenant, "mailbox": lane.mailbox, **_numbers(lane)}


def _tenant_row(totals: TenantTotalsView) -> Row:
    return {
        "tenant": totals.tenant,
        "mailboxes": totals.mailboxes,
        "paused": totals.paused,
        **_numbers(totals),
    }


def _numbers(counted: LaneView | TotalsView) -> Row:
    return {
        "ready": counted.ready,
        "delayed": counted.delayed,
        "in_flight": counted.in_flight,
        "dead": counted.dead,
        "oldest": _oldest(counted),
    }


def _summary(totals: TotalsView, *, tenants: int) -> str:
    numbers = (
        f"In all: {totals.ready} ready, {totals.delayed} delayed, {totals.in_flight} in flight,"
        f" {totals.dead} dead"
    )
    where = f"{totals.mailboxes} mailboxes of {tenants} tenant{'' if tenants == 1 else 's'}"
    age = f"; the oldest is {one_line(_oldest(totals))} old" if totals.ready else ""
    return f"{numbers}, in {where}, {totals.paused} paused{age}."


def _oldest(counted: LaneView | TotalsView) -> timedelta:
    return timedelta(seconds=counted.oldest_seconds)
