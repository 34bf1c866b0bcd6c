"""Providers that cannot be wired as they are say so at the start, and not at their first mail."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import MessageFetcher, Provider
from postroom.application.providers import InvalidProvider, Providers
from postroom.domain.failure import AccessFailed
from postroom.entrypoints.cli.errors import as_one_line
from postroom.entrypoints.container import providers
from postroom.entrypoints.container.pools import open_pools
from postroom.entrypoints.container.providers import Installed, make_providers
from postroom.entrypoints.settings import InvalidSettings, Settings
from tests import toy_provider
from tests.provider_deps import provider_deps
from tests.toy_provider import ToyPointer, ToyServer


@pytest.fixture
def toy(clock: ManualClock) -> Provider:
    deps = provider_deps(clock, InMemoryMailboxRegistry(InMemoryDatabase()))
    return toy_provider.provider(deps, server=ToyServer())


class _PointerOfAnother(ToyPointer):
    provider = "another"


def test_a_provider_is_known_by_its_name(toy: Provider) -> None:
    found = Providers([toy, replace(toy, name="toy2", pointer=pointer_of("toy2"))])

    assert list(found) == ["toy", "toy2"]
    assert found.serving("toy") is toy
    assert found.accounts["toy"] is toy.account
    assert found.pointers["toy"] is toy.pointer


def pointer_of(name: str) -> type[ToyPointer]:
    return type("Pointer", (ToyPointer,), {"provider": name})


def test_a_provider_that_this_release_lacks_is_a_failure_of_access(toy: Provider) -> None:
    with pytest.raises(AccessFailed, match="this release of Postroom has no provider jmap"):
        Providers([toy]).serving("jmap")


def test_two_of_one_name_are_refused(toy: Provider) -> None:
    with pytest.raises(InvalidProvider, match="there are two providers of the name toy"):
        Providers([toy, replace(toy, title="Another")])


@pytest.mark.parametrize("name", ["", "Toy", "toy mail", "toy/mail", "töy", "toy-mail"])
def test_a_name_that_cannot_stand_in_a_url_and_a_record_is_refused(
    toy: Provider, name: str
) -> None:
    with pytest.raises(InvalidProvider, match="use a-z, 0-9 and _"):
        Providers([replace(toy, name=name, pointer=pointer_of(name))])


def test_pointers_that_name_another_provider_are_refused(toy: Provider) -> None:
    with pytest.raises(InvalidProvider, match="the pointers of the provider toy name another one"):
        Providers([replace(toy, pointer=_PointerOfAnother)])


def test_an_option_that_is_declared_twice_is_refused(toy: Provider) -> None:
    with pytest.raises(InvalidProvider, match="the provider toy has several options region"):
        Providers([replace(toy, options=[*toy.options, toy.options[0]])])


# --- When they are made ---


class _NoFetcher(MessageFetcher):
    """Nobody has written its `fetch`."""


def _without_a_method(_: ProviderDeps, __: Settings) -> Provider:
    made: Callable[[], Any] = _NoFetcher
    return Provider(fetcher=made())  # type: ignore[call-arg]


def _without_a_field(_: ProviderDeps, __: Settings) -> Provider:
    return Provider(name="toy")  # type: ignore[call-arg]


@pytest.mark.parametrize("make", [_without_a_method, _without_a_field])
async def test_a_package_that_lacks_a_part_is_named_in_one_line(
    make: Callable[[ProviderDeps, Settings], Provider],
    monkeypatch: pytest.MonkeyPatch,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidProvider, match="the provider toy lacks a part: ") as refused:
        await made(make, monkeypatch, clock, tmp_path)

    line = as_one_line(refused.value)
    assert line
    assert "\n" not in line


async def test_a_setting_that_a_provider_cannot_use_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock, tmp_path: Path
) -> None:
    def make(_: ProviderDeps, __: Settings) -> Provider:
        raise ValueError("POSTROOM_TOY_URL begins with https://")

    with pytest.raises(InvalidSettings, match="POSTROOM_TOY_URL begins with https://"):
        await made(make, monkeypatch, clock, tmp_path)


async def made(
    make: Callable[[ProviderDeps, Settings], Provider],
    monkeypatch: pytest.MonkeyPatch,
    clock: ManualClock,
    home: Path,
) -> Providers:
    monkeypatch.setattr(providers, "PROVIDERS", [Installed(toy_provider, make)])
    registry = InMemoryMailboxRegistry(InMemoryDatabase())
    async with AsyncExitStack() as resources:
        pools = await resources.enter_async_context(open_pools(2**20))
        return await make_providers(Settings(home=home), clock, registry, pools, resources)
