"""How a command gets at what it needs: the settings, the engines, the use cases."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from postroom.application.ports import (
    Applications,
    Clock,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    Helpdesk,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
)
from postroom.application.providers import Providers
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings, load_settings

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AdminContext:
    """What the commands that look things up, or change them, work with."""

    queue: PointerQueue
    dead_letters: RedriveDeadLetters
    registry: MailboxRegistry
    applications: Applications
    handovers: Handovers
    handover_records: HandoverRecords
    folder_syncs: FolderSyncs
    resume: ResumeMailbox
    resync: ResyncMailbox
    remove: RemoveMailbox
    outcomes: Outcomes
    helpdesk: Helpdesk
    providers: Providers
    clock: Clock


@dataclass(frozen=True, slots=True)
class SetupContext:
    """What the commands that add a mailbox, or renew its credentials, work with."""

    registry: MailboxRegistry
    resume: ResumeMailbox
    providers: Providers
    clock: Clock


def with_core(use: Callable[[Core, Settings], Awaitable[R]]) -> R:
    """Run *use* with the core that the container wires, and close it again."""
    # Imported here, so that `postroom --help` does not wait for it.
    from postroom.entrypoints.container import wire  # noqa: PLC0415
    from postroom.entrypoints.engines import ready  # noqa: PLC0415

    async def run(settings: Settings) -> R:
        async with wire(settings) as core:
            return await use(core, settings)

    with ready(load_settings()) as settings:
        return asyncio.run(run(settings))


def with_admin(use: Callable[[AdminContext], Awaitable[R]]) -> R:
    """Run *use* with what administers Postroom, and close it again."""

    async def run(core: Core, _: Settings) -> R:
        return await use(
            AdminContext(
                queue=core.queue,
                dead_letters=core.dead_letters,
                registry=core.registry,
                applications=core.applications,
                handovers=core.handovers,
                handover_records=core.handover_records,
                folder_syncs=core.folder_syncs,
                resume=core.resume,
                resync=core.resync,
                remove=core.remove,
                outcomes=core.outcomes,
                helpdesk=core.helpdesk,
                providers=core.providers,
                clock=core.clock,
            )
        )

    return with_core(run)


def with_setup(use: Callable[[SetupContext], Awaitable[R]]) -> R:
    """Run *use* with what sets up a mailbox, and close it again."""

    async def run(core: Core, _: Settings) -> R:
        return await use(
            SetupContext(
                registry=core.registry,
                resume=core.resume,
                providers=core.providers,
                clock=core.clock,
            )
        )

    return with_core(run)
