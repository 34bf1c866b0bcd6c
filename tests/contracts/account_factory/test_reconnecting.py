"""What every AccountFactory promises of an account that gets other credentials."""

from collections.abc import Sequence
from functools import partial
from itertools import permutations

from postroom.application.ports import AccountFactory, AccountOption
from postroom.domain.account import UnreadableAccount
from tests.contracts.account_factory.samples import (
    created,
    each_option,
    each_stage,
    of_another_kind,
    refusal_of,
)
from tests.contracts.account_factory.stages import STAGES, Stage, Values

PORTS = {AccountFactory}


def ways(stage: Stage) -> Sequence[tuple[Values, Values]]:
    """What opens the mailbox now, and what is to open it."""
    return list(permutations(stage.credentials, 2))


@each_stage
def test_other_credentials_replace_nothing_else(stage: Stage) -> None:
    for now, later in ways(stage):
        account = created(stage, {**stage.plain, **now})

        reconnected = stage.accounts.reconnect(account, later)

        assert reconnected != account
        assert reconnected == created(stage, {**stage.plain, **later})


@each_stage
def test_what_is_no_credential_is_not_replaced(stage: Stage) -> None:
    account = created(stage, stage.fewest)
    added = {each.name for each in stage.options if each.credential and not each.required}
    values = {name: each for name, each in stage.complete[0].items() if name not in added}

    assert stage.accounts.reconnect(account, {**values, **stage.fewest}) == account


@each_stage
def test_without_a_credential_there_is_nothing_to_replace(stage: Stage) -> None:
    account = created(stage, stage.fewest)

    for values in ({}, stage.plain):
        refusal_of(partial(stage.accounts.reconnect, account, values))


@each_option(lambda option: option.credential)
def test_a_credential_of_another_kind_is_refused(stage: Stage, option: AccountOption) -> None:
    account = created(stage, stage.fewest)

    for value in of_another_kind(option):
        values = {option.name: value}
        refusal_of(partial(stage.accounts.reconnect, account, values))


@each_stage
def test_the_account_of_another_provider_is_given_no_credentials(stage: Stage) -> None:
    theirs = [created(each, each.fewest) for each in STAGES if each is not stage]

    for account in [*theirs, UnreadableAccount(stage.name, "the key is missing")]:
        refusal_of(partial(stage.accounts.reconnect, account, stage.complete[0]))
