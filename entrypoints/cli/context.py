"""How a command gets at what it needs: the settings, the engines, the container."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import punq

from postroom.application.ports import (
    Clock,
    DeviceSignIn,
    FolderSyncs,
    Helpdesk,
    MailboxCheck,
    MailboxRegistry,
    Outcomes,
    PointerQueue,
)
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.entrypoints.settings import Settings, load_settings

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AdminContext:
    """What the commands that look, and mend, work with."""

    queue: PointerQueue
    dead_letters: RedriveDeadLetters
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    resume: ResumeMailbox
    resync: ResyncMailbox
    remove: RemoveMailbox
    outcomes: Outcomes
    helpdesk: Helpdesk
    clock: Clock


@dataclass(frozen=True, slots=True)
class SetupContext:
    """What the commands that add a mailbox, or mend its access, work with."""

    registry: MailboxRegistry
    resume: ResumeMailbox
    check: MailboxCheck
    device_sign_in: DeviceSignIn
    clock: Clock


def with_container(use: Callable[[punq.Container, Settings], Awaitable[R]]) -> R:
    """Run *use* with everything open, and close it all again."""
    # Imported here, so that `postroom --help` does not wait for it.
    from postroom.entrypoints.container import wire  # noqa: PLC0415
    from postroom.entrypoints.engines import ready  # noqa: PLC0415

    async def run(settings: Settings) -> R:
        async with wire(settings) as container:
            return await use(container, settings)

    with ready(load_settings()) as settings:
        return asyncio.run(run(settings))


def with_admin(use: Callable[[AdminContext], Awaitable[R]]) -> R:
    """Run *use* with the admin, and close them again."""

    async def run(container: punq.Container, _: Settings) -> R:
        admin = AdminContext(
            queue=container.resolve(PointerQueue),
            dead_letters=container.resolve(RedriveDeadLetters),
            registry=container.resolve(MailboxRegistry),
            folder_syncs=container.resolve(FolderSyncs),
            resume=container.resolve(ResumeMailbox),
            resync=container.resolve(ResyncMailbox),
            remove=container.resolve(RemoveMailbox),
            outcomes=container.resolve(Outcomes),
            helpdesk=container.resolve(Helpdesk),
            clock=container.resolve(Clock),
        )
        return await use(admin)

    return with_container(run)


def with_setup(use: Callable[[SetupContext], Awaitable[R]]) -> R:
    """Run *use* with what adds a mailbox, and close it again."""

    async def run(container: punq.Container, _: Settings) -> R:
        setup = SetupContext(
            registry=container.resolve(MailboxRegistry),
            resume=container.resolve(ResumeMailbox),
            check=container.resolve(MailboxCheck),
            device_sign_in=container.resolve(DeviceSignIn),
            clock=container.resolve(Clock),
        )
        return await use(setup)

    return with_container(run)
