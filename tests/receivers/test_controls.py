"""That the checks find what is wrong with a receiver, and nothing in one that is right."""

from pathlib import Path

import pytest

from tests.receivers import conformance
from tests.receivers.conformance import CHECKS, Check
from tests.receivers.programs import Program, under_uvicorn
from tests.receivers.rig import running

ROOT = Path(__file__).parents[2]

FOUND_BY: dict[str, set[Check]] = {
    "no_key": {
        conformance.takes_a_message_once,
        conformance.takes_one_of_twenty_calls_at_once,
        conformance.bears_to_be_killed_after_its_commit,
    },
    "keys_in_memory": {conformance.bears_to_be_killed_after_its_commit},
    "key_first": {conformance.bears_to_be_killed_after_its_commit},
    "all_known": {conformance.takes_a_message_once},
    "answer_before": {conformance.bears_to_be_killed_before_its_commit},
    "unsigned": {conformance.refuses_what_is_not_signed_so},
}
"""Beside the check of the product. Others may."""


def control(name: str) -> Program:
    return Program(name, under_uvicorn(f"tests.receivers.controls:{name}"), ROOT)


@pytest.mark.parametrize("name", FOUND_BY)
async def test_a_receiver_that_is_wrong_is_found(
    name: str, postgres_url: str, tmp_path: Path
) -> None:
    async with running(control(name), postgres_url, tmp_path) as rig:
        checks = {conformance.passes_the_check_of_the_product, *FOUND_BY[name]}
        silent = [check.__name__ for check in checks if not await check(rig)]

    assert silent == []


async def test_in_one_that_is_right_nothing_is_found(postgres_url: str, tmp_path: Path) -> None:
    async with running(control("right"), postgres_url, tmp_path) as rig:
        found = [sentence for check in CHECKS for sentence in await check(rig)]

    assert found == []
