"""The receivers of docs/applications, as processes of their own on a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from tests.receivers.conformance import CHECKS, Check
from tests.receivers.programs import EXPRESS_PROGRAM, IN_PYTHON, Program
from tests.receivers.rig import Rig, running

RECEIVERS = [*IN_PYTHON, pytest.param(EXPRESS_PROGRAM, marks=pytest.mark.node)]


@pytest.fixture(scope="module", params=RECEIVERS, ids=str)
async def rig(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    program: Program = request.param
    async with running(program, postgres_url, tmp_path_factory.mktemp("receiver")) as rig:
        yield rig


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_receiver_does_what_it_must(rig: Rig, check: Check) -> None:
    assert await check(rig) == []
