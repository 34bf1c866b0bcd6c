"""Commands for applications: what messages are handed over to."""

import typer

from postroom.entrypoints.cli.application_care import (
    list_applications,
    pause,
    resume,
    show_application,
)
from postroom.entrypoints.cli.application_remove import remove
from postroom.entrypoints.cli.application_setup import add, rotate, route, set_
from postroom.entrypoints.cli.application_try import try_

application = typer.Typer(
    no_args_is_help=True, help="Look after the applications that messages are handed over to."
)
application.command("add")(add)
application.command("set")(set_)
application.command("list")(list_applications)
application.command("show")(show_application)
application.command("route")(route)
application.command("test")(try_)
application.command("rotate")(rotate)
application.command("pause")(pause)
application.command("resume")(resume)
application.command("remove")(remove)
