"""What every step is handed. The sentences themselves are in tests/features/steps."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pytest_bdd.parser import Step

from tests.features.rigs import in_memory, on_servers
from tests.features.scene import Run, Scene
from tests.features.service import Service


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario runs in memory; what is tagged @real runs on the real servers as well."""
    if "service" in metafunc.fixturenames:
        real = any(mark.name == "real" for mark in metafunc.definition.iter_markers())
        metafunc.parametrize("service", ["memory", *(["real"] if real else [])], indirect=True)


@pytest.fixture
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """pytest-bdd does not await: each step hands its coroutine to one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(autouse=True)
def service(request: pytest.FixtureRequest, run: Run) -> Iterator[Service]:
    resources = AsyncExitStack()
    if request.param == "memory":
        rig = run(resources.enter_async_context(in_memory()))
    else:
        urls = request.getfixturevalue("valkey_url"), request.getfixturevalue("postgres_url")
        rig = run(resources.enter_async_context(on_servers(*urls)))
    yield Service(rig)
    run(resources.aclose())


@pytest.fixture
def scene(service: Service, run: Run) -> Iterator[Scene]:
    scene = Scene(service, run)
    yield scene
    run(scene.listening.stop())


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    """What a scenario counts, it counts from its When on."""
    if step.type == "when":
        scene: Scene = request.getfixturevalue("scene")
        scene.before = scene.counts()
