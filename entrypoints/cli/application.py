"""Commands for applications: what messages are handed over to."""

import typer

from postroom.entrypoints.cli.application_care import (
    list_applications,
    pause,
    remove,
    resume,
    show_application,
)
from postroom.entrypoints.cli.application_setup import add, rotate, route, set_

application = typer.Typer(
    no_args_is_help=True, help="Look after the applications that messages are handed over to."
)
for name, command in {
    "add": add,
    "set": set_,
    "list": list_applications,
    "show": show_application,
    "route": route,
    "rotate": rotate,
    "pause": pause,
    "resume": resume,
    "remove": remove,
}.items():
    application.command(name)(command)
