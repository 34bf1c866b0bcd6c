"""What a command prints: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most.")]
AnyTenant = Annotated[str, typer.Option(help="Only of this tenant.")]
Tenant = Annotated[str, typer.Option(help="The tenant that it belongs to.")]

Row = Mapping[str, object]


def show(rows: Sequence[Row], *, as_json: bool, empty: str) -> None:
    """Print *rows*, each with the same keys in the same order; *empty* tells people of none."""
    if as_json:
        print(json.dumps(list(rows), default=str, indent=2))  # noqa: T201
    elif rows:
        Console().print(table(rows))
    else:
        Console().print(empty)


def table(rows: Sequence[Row]) -> Table:
    """The rows as a table whose columns are named as the keys are."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        number = all(isinstance(row[name], int) for row in rows)
        drawn.add_column(
            name.replace("_", " "), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        # As Text, since a subject may look like rich's markup.
        drawn.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    return drawn


def told(span: timedelta) -> str:
    """`3 d 4 h`, `5 min`, `12 s`: the two largest units of *span*."""
    seconds = int(span.total_seconds())
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
