"""The command that sends a subscriber a `postroom.test`, and says what came of it."""

import typer

from postroom.application.check_application import Sample
from postroom.application.render_sample import new_key, sample_event
from postroom.application.try_application import TryApplication
from postroom.domain.handover.answer import Done, Duplicate, as_dict
from postroom.entrypoints.cli.application_options import Name
from postroom.entrypoints.cli.context import with_core
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import AsJson, one_line, print_fields, print_json
from postroom.entrypoints.cli.subscriber_lookup import find_subscriber
from postroom.entrypoints.cli.subscriber_setup import Owner
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings


def try_(name: Name, tenant: Owner = "", *, as_json: AsJson = False) -> None:
    """Send a subscriber a `postroom.test`, as an event is sent. Exit code 1 if it is not taken."""

    async def run(core: Core, _: Settings) -> dict[str, object]:
        found = await find_subscriber(core.applications, tenant, name)
        caller = core.hand_over.callers.of(found)
        if caller is None:
            raise CommandFailed(f"this release does not call {found.scheme}: destinations")
        key = new_key()
        sample = Sample(key, sample_event(found, key, core.clock.now()), has_effect=False)
        trying = TryApplication(found, None, caller, core.clock)
        [answer] = await caller.call(found, [trying.call_of(sample)])
        is_taken = isinstance(answer, Done | Duplicate)
        return {"key": key, "taken": is_taken, **as_dict(answer)}

    answer = with_core(run)
    if as_json:
        print_json(answer)
    else:
        print_fields({name: one_line(value) for name, value in answer.items() if value != ""})
    if not answer["taken"]:
        raise CommandFailed(f"{name} has not taken it: see above")
    if not as_json:
        typer.echo(f"{name} has taken it.")
