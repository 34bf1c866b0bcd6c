"""A group whose commands are made when they are needed, and not before."""

from collections.abc import Callable, Mapping
from functools import cached_property

import typer
from typer._click import Command, Context  # Typer's copy of Click, which it names nowhere else
from typer.core import TyperGroup
from typer.main import get_group

Commands = Callable[[], Mapping[str, Callable[..., None]]]


def lazy_group(what: str, commands: Commands) -> type[TyperGroup]:
    """For `typer.Typer(cls=…)`. *what* is what each of *commands* is named after."""

    class LazyGroup(TyperGroup):
        @cached_property
        def made(self) -> Mapping[str, Command]:
            app = typer.Typer(rich_markup_mode=None, callback=lambda: None)
            for name, command in commands().items():
                app.command(name)(command)
            return get_group(app).commands

        def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Click's
            return sorted(self.made)

        def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
            if cmd_name not in self.made and not ctx.resilient_parsing:
                names = ", ".join(self.list_commands(ctx))
                ctx.fail(f"there is no {what} {cmd_name!r}; choose one of: {names}")
            return self.made.get(cmd_name)

    return LazyGroup
