"""`postroom mailbox prepare <provider>`: what is to be done there before mailboxes are added."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

from postroom.application.ports import Preparation
from postroom.entrypoints.cli.account_options import read_values, with_options
from postroom.entrypoints.cli.mailbox_access import usage_errors
from postroom.entrypoints.settings import Settings, load_settings


def prepare_commands() -> Mapping[str, Callable[..., None]]:
    """One for each provider at which a script can do it."""
    from postroom.entrypoints.container.providers import (  # noqa: PLC0415 - not before it is used
        provider_preparations,
    )

    return {name: prepare_command(name, each) for name, each in provider_preparations().items()}


def prepare_command(
    provider: str, preparation: Preparation, settings: Callable[[], Settings] = load_settings
) -> Callable[..., None]:
    def command(**given: Any) -> None:  # noqa: ANN401 - whatever the options are
        values = read_values(preparation.options, given)
        with usage_errors():
            lines = preparation.lines(values, settings().public_url)
        typer.echo("\n".join(lines).rstrip())

    command.__doc__ = f"Print what sets up {provider} for this installation, to be run by you."
    return with_options(command, preparation.options)
