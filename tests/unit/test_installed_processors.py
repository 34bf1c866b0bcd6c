"""Processors that are installed beside us, as the container finds them. Nothing is connected."""

from pathlib import Path

import pytest

from postroom.application.route_message import RouteMessage
from postroom.entrypoints.container import wire
from tests.contracts.samples import imap_mailbox
from tests.processing import install_example
from tests.unit.test_container import settings


async def processors_of(home: Path) -> RouteMessage:
    async with wire(settings(home)) as wired:
        processor = wired.consume.processor
    assert isinstance(processor, RouteMessage)
    return processor


async def test_an_entry_point_is_a_processor_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_example(tmp_path, monkeypatch)

    route = await processors_of(tmp_path)

    assert list(route.processors) == ["tickets"]
    assert await route.processors["tickets"].obstacle(imap_mailbox()) == ""


async def test_one_that_cannot_be_imported_stops_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_example(tmp_path, monkeypatch)
    _break(tmp_path)

    route = await processors_of(tmp_path)

    reason = "the processor broken cannot be loaded: ModuleNotFoundError"
    assert await route.processors["broken"].obstacle(imap_mailbox()) == reason


def _break(directory: Path) -> None:
    entries = next(directory.glob("*.dist-info")) / "entry_points.txt"
    entries.write_text("[postroom.processors]\nbroken = no_such_module:process\n")


async def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert dict((await processors_of(tmp_path)).processors) == {}
