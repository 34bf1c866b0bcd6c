"""The options of `application add` and `application set`, and what they make of an application."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from inspect import Parameter
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

OPTIONS: Mapping[str, Any] = {
    "mode": Annotated[Mode | None, typer.Option(help="deliver, shadow (all but the call), off.")],
    "order": Annotated[
        Order | None, typer.Option(help="none, or mailbox: one message of a mailbox at a time.")
    ],
    "when_unsure": Annotated[
        WhenUnsure | None,
        typer.Option(help="repeat, or hold for a person: where the application keeps no key."),
    ],
    "in_flight": Annotated[
        int | None, typer.Option(help="Messages at a time, over all workers. [8]")
    ],
    "timeout": Annotated[float | None, typer.Option(help="Seconds that a call may take. [30]")],
    "body": Annotated[BodyKind | None, typer.Option(help="full, or thin: links in place of text.")],
    "max_body": Annotated[int | None, typer.Option(help="Bytes that a body may have. [983040]")],
    "inline_below": Annotated[
        int | None, typer.Option(help="Bytes below which attachments are in the body. [0]")
    ],
    "max_backlog": Annotated[
        int | None, typer.Option(help="Messages that may wait before no more come in. [10000]")
    ],
    "retention": Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="When what was handled is deleted. [7d]"),
    ],
    "copies": Annotated[
        list[str] | None,
        typer.Option("--copy", help="An application that gets every message, too. Repeatable."),
    ],
    "fallback": Annotated[
        str | None, typer.Option(help="An application that stands in while this one is down.")
    ],
    "fallback_after": Annotated[
        timedelta | None,
        typer.Option(parser=age, metavar="AGE", help="For how long it is down before that. [15m]"),
    ],
}
"""By the field of `Application`. Those that are not given stay as they are."""


def with_application_options(command: Callable[..., None]) -> Callable[..., None]:
    """*command*, whose `**given` typer reads as OPTIONS."""
    signature = inspect.signature(command)
    own = [each for each in signature.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in OPTIONS.items()
    ]
    command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return command


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
    if after.name in after.copies:
        raise InvalidApplication("an application gets no copies of its own messages")
    return after
