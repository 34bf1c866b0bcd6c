"""What the suite of AccountFactory makes accounts of, and what it cannot."""

import traceback
from collections.abc import Callable, Iterator

import pytest

from postroom.application.ports import AccountOption, OptionValue
from postroom.domain.account import Account, InvalidAccount, Secret
from tests.contracts.account_factory.stages import SECRET, STAGES, Stage, Values

ADDRESS = "support@acme.example"
NONSENSE = "nonsense-that-is-not-repeated"

each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


def each_option(wanted: Callable[[AccountOption], object]) -> pytest.MarkDecorator:
    """Of every stage, the options of the kind that is *wanted*."""
    found = [
        pytest.param(stage, option, id=f"{stage.name}-{option.name}")
        for stage in STAGES
        for option in stage.options
        if wanted(option)
    ]
    return pytest.mark.parametrize(("stage", "option"), found)


def created(stage: Stage, values: Values) -> Account:
    return stage.accounts.create(ADDRESS, values)


def refusal_of(make: Callable[[], Account]) -> str:
    """Why there is no such account; neither the reason nor a traceback shows a value."""
    with pytest.raises(InvalidAccount) as raised:
        make()
    shown = "".join(traceback.format_exception(raised.value))
    assert NONSENSE not in shown
    assert SECRET not in shown
    return str(raised.value)


def of_another_kind(option: AccountOption) -> Iterator[OptionValue]:
    """What the option is not, and what is empty."""
    if option.is_flag or option.repeatable or option.secret:
        yield NONSENSE
    if not option.repeatable:
        yield (NONSENSE,)
    if not option.secret:
        yield Secret(NONSENSE)
    if not option.is_flag:
        yield True
        yield from ("", (), ("",), Secret(""))
