"""The tables of options in the providers' pages, made of what the providers declare."""

from collections.abc import Sequence
from pathlib import Path

from postroom.application.ports import AccountOption
from postroom.entrypoints.container.providers import provider_options

BEGIN, END = "<!-- options -->\n", "<!-- /options -->"


def option_tables(docs: Path) -> None:
    for provider, options in provider_options().items():
        page = docs / "providers" / f"{provider}.md"
        before, _, rest = page.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if not end:
            raise ValueError(f"{page} has no place for the options: {BEGIN}{END}")
        page.write_text("".join([before, BEGIN, table_of(options), END, after]))


def table_of(options: Sequence[AccountOption]) -> str:
    rows = [
        f"| `{_flag(each)}` | {_meaning(each)} | {_default(each, options)} |" for each in options
    ]
    return "\n".join(["| option | what it is | default |", "| --- | --- | --- |", *rows, ""])


def _flag(option: AccountOption) -> str:
    return f"--{option.name}-file" if option.secret else f"--{option.name}"


def _meaning(option: AccountOption) -> str:
    parts = [option.help]
    if option.choices:
        parts.append(f"One of {', '.join(f'`{choice}`' for choice in option.choices)}.")
    if option.secret:
        parts.append("A file that holds it, or `-` for standard input.")
    if option.repeatable:
        parts.append("May be repeated.")
    return " ".join(parts)


def _default(option: AccountOption, options: Sequence[AccountOption]) -> str:
    if option.default:
        is_value = " " not in option.default  # others are described: "the address"
        return f"`{option.default}`" if is_value else option.default
    if not option.required:
        return ""
    if option.variable:
        return f"`{option.variable}`, or it is prompted for{_exception(option, options)}"
    return f"required{_exception(option, options)}"


def _exception(option: AccountOption, options: Sequence[AccountOption]) -> str:
    others = [f"`{_flag(each)}`" for each in options if each.name in option.unless]
    return f", unless {' or '.join(others)} is given" if others else ""
