"""The options of `application add` and `application set`, and what they make of an application."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import typer

from postroom.domain.handover.application import (
    Application,
    BodyKind,
    InvalidApplication,
    Mode,
    Order,
    WhenUnsure,
)
from postroom.entrypoints.cli.dead_filter import age

Name = Annotated[str, typer.Argument(metavar="NAME", help="A short name, such as `crm`.")]
Owner = Annotated[
    str, typer.Option("--tenant", help="Whose it is. [the installation's: it serves any tenant]")
]

OfMode = Annotated[Mode | None, typer.Option(help="deliver, shadow (all but the call), off.")]
OfOrder = Annotated[
    Order | None, typer.Option(help="none, or mailbox: one message of a mailbox at a time.")
]
OfUnsure = Annotated[
    WhenUnsure | None,
    typer.Option(help="repeat, or hold for a person: where the application keeps no key."),
]
OfBody = Annotated[BodyKind | None, typer.Option(help="full, or thin: links in place of text.")]
InFlight = Annotated[int | None, typer.Option(help="Calls at a time, over all workers. [8]")]
Timeout = Annotated[float | None, typer.Option(help="Seconds that a call may take. [30]")]
MaxBody = Annotated[int | None, typer.Option(help="Bytes that a body may have. [983040]")]
InlineBelow = Annotated[
    int | None, typer.Option(help="Bytes below which attachments are in the body. [0]")
]
MaxBacklog = Annotated[
    int | None, typer.Option(help="Messages that may wait before no more are accepted. [10000]")
]
Retention = Annotated[
    timedelta | None,
    typer.Option(parser=age, metavar="AGE", help="What was handled is deleted after. [7d]"),
]
Fallback = Annotated[
    str | None, typer.Option(help="Gets what waits when this one is away. '': none.")
]
FallbackAfter = Annotated[
    timedelta | None, typer.Option(parser=age, metavar="AGE", help="Away for so long. [15m]")
]
Copies = Annotated[
    list[str] | None, typer.Option("--copy", help="Gets every message as well. Repeatable.")
]
AlertUrl = Annotated[str | None, typer.Option(help="Is called when the application fails.")]
ShadowUrl = Annotated[str | None, typer.Option(help="Gets a copy of what lies in shadow.")]


def changed(application: Application, given: Mapping[str, Any]) -> Application:
    """*application* with the options that were given. Raises InvalidApplication."""
    values = {name: value for name, value in given.items() if value is not None}
    if "timeout" in values:
        values["timeout"] = timedelta(seconds=values["timeout"])
    if "copies" in values:
        values["copies"] = tuple(dict.fromkeys(values["copies"]))
    after = replace(application, **values)
    if after.scheme == "python" and after.mode is Mode.SHADOW:
        raise InvalidApplication("a processor has no shadow: it is deliver or off")
    if after.name in (after.fallback, *after.copies):
        raise InvalidApplication("an application is not its own fallback, nor its own copy")
    return after
