"""A group whose commands are made when they are needed, and not before."""

from collections.abc import Callable, Mapping

import typer
from typer._click import Command, Context  # Typer's copy of Click, which it names nowhere else
from typer.core import TyperGroup
from typer.main import get_group

Commands = Callable[[], Mapping[str, Callable[..., None]]]


def lazy_group(what: str, commands: Commands) -> type[TyperGroup]:
    """For `typer.Typer(cls=…)`. *what* is what each of *commands* is named after."""

    def made() -> Mapping[str, Command]:
        app = typer.Typer(rich_markup_mode=None, callback=lambda: None)
        for name, command in commands().items():
            app.command(name)(command)
        return get_group(app).commands

    class LazyGroup(TyperGroup):
        def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Click's
            return sorted(made())

        def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
            found = made()
            if cmd_name not in found and not ctx.resilient_parsing:
                names = ", ".join(sorted(found))
                ctx.fail(f"there is no {what} {cmd_name!r}; choose one of: {names}")
            return found.get(cmd_name)

    return LazyGroup
