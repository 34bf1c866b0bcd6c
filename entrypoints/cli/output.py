"""What a command prints: a table for people, JSON for programs."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most.")]
AnyTenant = Annotated[str, typer.Option(help="Only of this tenant.")]
Tenant = Annotated[str, typer.Option(help="The tenant that it belongs to.")]

DEFAULT_TENANT = "default"

Row = Mapping[str, object]
View = TypeVar("View")

GAP = 2
PROSE_WIDTH = 20
"""So much of a word stays in one piece in a column of prose, however narrow the terminal."""


def of_tenant(tenant: str) -> str:
    """The option that a command needs for *tenant*, for one that is to be copied."""
    return "" if tenant in ("", DEFAULT_TENANT) else f" --tenant {tenant}"


def show(
    views: Sequence[View],
    row: Callable[[View], Row],
    *,
    as_json: bool,
    empty: str,
    prose: Collection[str] = (),
) -> None:
    """Print *views* whole as JSON, or the *row* of each in a table; for people, *empty* if none.

    *prose* is as in `print_table`.
    """
    if as_json:
        print_json(views)
    elif views:
        print_table([row(view) for view in views], prose=prose)
    else:
        typer.echo(empty)


def print_fields(row: Row) -> None:
    """Print one thing, a line for each of its keys."""
    headed = {_header(name, [value]): value for name, value in row.items()}
    width = max(map(len, headed)) + GAP
    for name, value in headed.items():
        typer.echo(f"{name:{width}}{one_line(value)}".rstrip())


def print_json(content: object) -> None:
    """As the API encodes it: moments are in ISO 8601, in UTC."""
    typer.echo(json.dumps(content, default=_plain, indent=2))


def print_table(rows: Sequence[Row], *, prose: Collection[str] = ()) -> None:
    """Print a table, whose columns are named as the keys of the first row are.

    Only columns of *prose* are folded to fit. The others hold what somebody may want to copy, so
    where it all is too wide for the terminal the lines run over.
    """
    table = _table(rows, prose)
    needed = sum(GAP + (column.min_width or 0) for column in table.columns)
    console = Console(highlight=False)
    console.width = max(console.width, needed)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        typer.echo(line.rstrip())


def one_line(value: object) -> str:
    """*value* for people, in one line, of characters that a terminal shows and does not obey."""
    match value:
        case None:
            text = ""
        case datetime():
            text = f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case timedelta():
            text = format_span(value)
        case _:
            text = str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def _table(rows: Sequence[Row], prose: Collection[str]) -> Table:
    drawn = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="")
    for name in rows[0]:
        values = [row[name] for row in rows]
        cells = [one_line(value) for value in values]
        header = _header(name, values)
        words = (word for cell in cells for word in cell.split())
        widest = min(PROSE_WIDTH, _width(words)) if name in prose else _width(cells)
        drawn.add_column(
            # As Text, here and below, since a subject may look like rich's markup.
            Text(header),
            justify="right" if all(isinstance(value, int) for value in values) else "left",
            overflow="fold",
            min_width=max(len(header), widest),
            no_wrap=name not in prose,
        )
    for row in rows:
        drawn.add_row(*(Text(one_line(value)) for value in row.values()))
    return drawn


def _header(name: str, values: Sequence[object]) -> str:
    words = name.replace("_", " ")
    return f"{words} (UTC)" if any(isinstance(value, datetime) for value in values) else words


def _width(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"there is no JSON for {value!r}")


def format_span(span: timedelta) -> str:
    """`3 d 4 h`, `5 min`, `12 s`: the two largest units of *span*."""
    seconds = int(span.total_seconds())
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
