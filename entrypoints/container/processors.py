"""The Python processors that are installed beside us: entry points, loaded when one is wanted."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import cache
from importlib.metadata import entry_points
from random import Random

import punq

from postroom.application.call_processor import CallProcessor, ProcessorEvents
from postroom.application.ports import Clock, EmailProcessor, LedgerConnections
from postroom.application.processing import ENTRY_POINTS
from postroom.application.processor_health import ProcessorHealth
from postroom.application.processor_mail import ReadForProcessor
from postroom.application.unless_shadow import UnlessShadow
from postroom.domain.ingress import Ingress
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.telemetry.processors import LoggedProcessors


class ProcessorThreads(ThreadPoolExecutor):
    """For processors that are plain functions: one that hangs takes no thread of anybody else."""


def bind_processor_threads(
    container: punq.Container, settings: Settings, resources: AsyncExitStack
) -> None:
    threads = ProcessorThreads(_places(settings), "processors")
    resources.callback(threads.shutdown, wait=False, cancel_futures=True)
    container.register(ProcessorThreads, instance=threads)


def installed_processors(
    container: punq.Container, settings: Settings
) -> Mapping[str, EmailProcessor]:
    """By the names of their entry points."""
    ingress, random = container.resolve(Ingress), container.resolve(Random)
    events: ProcessorEvents = LoggedProcessors()
    container.register(ReadForProcessor)
    places = asyncio.Semaphore(_places(settings))
    return {
        found.name: UnlessShadow(
            CallProcessor(
                name=found.name,
                load=cache(found.load),
                read=container.resolve(ReadForProcessor),
                connections=container.resolve(LedgerConnections),
                places=places,
                threads=container.resolve(ProcessorThreads),
                health=ProcessorHealth(random.random),
                events=events,
                clock=container.resolve(Clock),
            ),
            ingress,
        )
        for found in entry_points(group=ENTRY_POINTS)
    }


def _places(settings: Settings) -> int:
    """Half of the pool: mail for other applications is accepted while processors hang."""
    return max(settings.database_connections // 2, 1)
