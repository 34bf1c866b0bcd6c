"""The page of each provider names the options that the provider declares, in a table of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from postroom.application.ports import AccountOption
from postroom.entrypoints.container.providers import provider_options

PAGES = Path(__file__).parents[2] / "docs/providers"
BEGIN, END = "<!-- options -->\n", "<!-- /options -->"


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


def table_in(page: str) -> str:
    before, begin, rest = page.partition(BEGIN)
    table, end, after = rest.partition(END)
    assert begin, f"the page lacks {BEGIN!r}"
    assert end, f"the page lacks {END!r}"
    assert BEGIN not in after
    assert END not in before
    return table


def test_each_provider_has_a_page_and_each_page_a_provider() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(provider_options())


@pytest.mark.parametrize("provider", provider_options())
def test_a_page_has_the_options_that_the_provider_declares(provider: str) -> None:
    page, right = PAGES / f"{provider}.md", table_of(provider_options()[provider])

    assert table_in(page.read_text()) == right, f"the table in {page.name} should be:\n\n{right}"
