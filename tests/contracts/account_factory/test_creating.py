"""What every AccountFactory promises of an account that it makes of options, or refuses to."""

import json
from functools import partial

from postroom.adapters.postgres.account import AccountFormat
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account
from tests.contracts.account_factory.samples import (
    ADDRESS,
    NONSENSE,
    created,
    each_option,
    each_stage,
    of_another_kind,
    refusal_of,
)
from tests.contracts.account_factory.stages import SECRET, STAGES, Stage
from tests.providers import ACCOUNTS

PORTS = {AccountFactory}

FORMAT = AccountFormat({stage.name: stage.account for stage in STAGES})


def test_there_is_a_stage_for_every_provider_that_gives_every_option() -> None:
    assert {stage.name for stage in STAGES} >= set(ACCOUNTS)
    for stage in STAGES:
        given = {name for values in stage.complete for name in values}
        assert given == {option.name for option in stage.options}


# --- Made ---


@each_stage
def test_valid_values_make_an_account_of_the_provider_with_a_folder(stage: Stage) -> None:
    for values in [*stage.complete, stage.fewest]:
        account = created(stage, values)

        assert type(account) is stage.account
        assert account.provider == stage.name
        assert account.folders
        assert all(account.folders)


@each_stage
def test_an_account_is_stored_and_read_unchanged(stage: Stage) -> None:
    for values in [*stage.complete, stage.fewest]:
        account = created(stage, values)

        plain, secrets = FORMAT.split(account)

        assert SECRET not in json.dumps(plain)
        assert FORMAT.joined(json.loads(json.dumps(plain)), secrets) == account


@each_stage
def test_an_account_shows_no_secret(stage: Stage) -> None:
    for values in stage.complete:
        assert SECRET not in f"{created(stage, values)!r} {created(stage, values)}"


@each_stage
def test_what_is_given_is_in_the_field_of_that_name_if_there_is_one(stage: Stage) -> None:
    values = stage.complete[0]
    account = created(stage, values)

    given = [option for option in stage.options if option.name in values]
    fields = [option for option in given if hasattr(account, option.field)]

    assert fields
    for option in fields:
        found = getattr(account, option.field)
        assert (found if option.secret else str(found)) == values[option.name]


@each_option(lambda option: option.default)
def test_what_is_not_given_is_the_default_that_is_declared(
    stage: Stage, option: AccountOption
) -> None:
    text = ADDRESS if option.default == "the address" else option.default
    default: OptionValue = (text,) if option.repeatable else text

    account = created(stage, {**stage.fewest, option.name: default})

    assert account == created(stage, stage.fewest)
    assert account != created(stage, {**stage.fewest, option.name: stage.plain[option.name]})


@each_option(lambda option: option.repeatable)
def test_what_is_repeated_has_an_order_and_counts_once(stage: Stage, option: AccountOption) -> None:
    def given(*values: str) -> Account:
        return created(stage, {**stage.fewest, option.name: values})

    assert given("one", "two", "one") == given("one", "two") != given("two", "one")


# --- Refused ---


@each_option(lambda option: option.required)
def test_an_option_that_is_required_and_missing_is_named(
    stage: Stage, option: AccountOption
) -> None:
    left_out = {option.name, *option.unless}
    values = stage.giving(option)
    given = {name: value for name, value in values.items() if name not in left_out}

    reason = refusal_of(partial(created, stage, given))

    assert option.name.replace("-", " ") in reason.replace("-", " ")


@each_option(lambda _: True)
def test_a_value_of_another_kind_is_refused(stage: Stage, option: AccountOption) -> None:
    for value in of_another_kind(option):
        values = {**stage.giving(option), option.name: value}
        refusal_of(partial(created, stage, values))


@each_option(lambda option: option.choices)
def test_what_is_none_of_the_choices_is_refused(stage: Stage, option: AccountOption) -> None:
    for choice in option.choices:
        created(stage, {**stage.fewest, option.name: choice})

    refusal_of(partial(created, stage, {**stage.fewest, option.name: NONSENSE}))
