"""`mailbox prepare <provider>`: what an operator runs at the provider, for this installation."""

from collections.abc import Mapping, Sequence

import pytest
import typer
from typer.testing import CliRunner, Result

from postroom.application.ports import AccountOption, OptionValue, Preparation
from postroom.domain.account import InvalidAccount
from postroom.entrypoints.cli.mailbox_prepare import prepare_command
from postroom.entrypoints.settings import Settings


def lines(values: Mapping[str, OptionValue], public_url: str) -> Sequence[str]:
    if not public_url:
        raise InvalidAccount("there is no public URL")
    return [f"toyctl allow {values['place']} {public_url}", ""]


PREPARATION = Preparation(
    options=(AccountOption(name="place", help="Where.", required=True),), lines=lines
)


def run(*arguments: str, public_url: str = "https://postroom.example") -> Result:
    def settings() -> Settings:
        return Settings(public_url=public_url)

    app = typer.Typer(rich_markup_mode=None)
    app.command()(prepare_command("toy", PREPARATION, settings))
    return CliRunner().invoke(app, arguments)


def test_the_script_is_printed_and_names_our_address() -> None:
    result = run("--place", "north")
    assert (result.exit_code, result.stdout) == (
        0,
        "toyctl allow north https://postroom.example\n",
    )


@pytest.mark.parametrize(
    ("arguments", "public_url", "said"),
    [
        (("--place", "north"), "", "there is no public URL"),
        ((), "https://postroom.example", "Missing option '--place'"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_printed(
    arguments: tuple[str, ...], public_url: str, said: str
) -> None:
    result = run(*arguments, public_url=public_url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
