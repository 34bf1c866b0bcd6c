"""A provider's account options as options of a command, and the values that were given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from postroom.application.ports import AccountOption, OptionValue
from postroom.domain.account import Secret
from postroom.entrypoints.cli.secret import (
    prompted_secret,
    secret_of_environment,
    secret_of_file,
)


def with_options(
    command: Callable[..., None], options: Sequence[AccountOption]
) -> Callable[..., None]:
    """*command*, which is given *options* by keyword, with a signature that Typer makes them of."""
    own = signature(command).parameters.values()
    parameters = [
        *(each for each in own if each.kind is Parameter.POSITIONAL_OR_KEYWORD),
        *map(_parameter, options),
        *(each for each in own if each.kind is Parameter.KEYWORD_ONLY),
    ]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return command


def read_values(
    options: Sequence[AccountOption], given: Mapping[str, Any]
) -> dict[str, OptionValue]:
    """What was *given* to the parameters, or is in the environment, or prompted for: by name.

    Raises BadParameter if something is missing, CommandFailed if a secret cannot be read.
    """
    values = {
        option.name: _given(option, value) for option in options if (value := given[option.field])
    }
    for option in options:
        if option.name in values or any(other in values for other in option.unless):
            continue
        if secret := _not_given(option, options):
            values[option.name] = secret
    return values


def _parameter(option: AccountOption) -> Parameter:
    kind: Any = bool if option.is_flag else list[str] if option.repeatable else str
    declared = typer.Option(
        _flag(option),
        help=_help(option),
        parser=_one_of(option.choices) if option.choices else None,
        metavar=_metavar(option),
    )
    otherwise = False if option.is_flag else None
    return Parameter(
        option.field,
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if _is_demanded(option) else otherwise,
        annotation=Annotated[kind, declared],
    )


def _is_demanded(option: AccountOption) -> bool:
    """Whether nothing can take the place of the option itself."""
    return option.required and not option.unless and not _is_one_line(option)


def _is_one_line(option: AccountOption) -> bool:
    """Whether it is a secret that may stand in the environment, and be typed in."""
    return option.secret and bool(option.variable)


def _metavar(option: AccountOption) -> str | None:
    if option.choices:
        return f"<{'|'.join(option.choices)}>"
    if option.secret:
        return "<file>"
    return "<str>" if option.repeatable else None


def _flag(option: AccountOption) -> str:
    return f"--{option.name}-file" if option.secret else f"--{option.name}"


def _help(option: AccountOption) -> str:
    parts = [option.help]
    if option.secret:
        parts.append("A file that holds it (`-`: standard input).")
    if _is_one_line(option):
        parts.append(f"Without, {option.variable} is read, or it is prompted for.")
    if option.repeatable:
        parts.append("May be repeated.")
    if option.default:
        parts.append(f"[{option.default}]")
    return " ".join(parts)


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"{text!r} is none of: {', '.join(choices)}")
        return text

    return parse


def _given(option: AccountOption, value: Any) -> OptionValue:  # noqa: ANN401 - of any option
    if option.secret:
        return secret_of_file(_label(option), value)
    return tuple(value) if option.repeatable else value


def _not_given(option: AccountOption, options: Iterable[AccountOption]) -> Secret | None:
    """What takes the place of an option that was not given. Raises BadParameter if nothing does."""
    if _is_one_line(option):
        secret = secret_of_environment(_label(option), option.variable)
        return secret or (prompted_secret(_label(option)) if option.required else None)
    if option.required:
        others = [_flag(each) for each in options if each.name in option.unless]
        raise typer.BadParameter(f"give it, or {' or '.join(others)}", param_hint=_flag(option))
    return None


def _label(option: AccountOption) -> str:
    return option.name.replace("-", " ").capitalize()
