"""How the commands find a subscriber, and read which events one wants."""

from collections.abc import Sequence

from postroom.application.ports import Applications
from postroom.domain.events.event import EventType
from postroom.domain.handover.application import Application, InvalidApplication
from postroom.entrypoints.cli.errors import CommandFailed


async def find_subscriber(applications: Applications, tenant: str, name: str) -> Application:
    """That of the owner *tenant*. Raises CommandFailed."""
    found = await applications.owned(tenant, name)
    if found is None or not found.is_subscriber:
        whose = f" of the tenant {tenant}" if tenant else ""
        raise CommandFailed(f"there is no subscriber {name}{whose}; see: postroom subscriber list")
    return found


def types_named(words: str) -> tuple[str, ...]:
    """Of `dead,mailbox,application.failing`: types, their last parts, or their first.

    Raises InvalidApplication.
    """
    named = [word.strip() for word in words.split(",") if word.strip()]
    chosen = {each for word in named for each in _types(word)}
    return tuple(each.value for each in EventType if each in chosen)


def _types(word: str) -> Sequence[EventType]:
    found = [each for each in EventType if word in (each.value, *each.value.split("."))]
    if not found:
        known = ", ".join(each.value for each in EventType)
        raise InvalidApplication(f"there is no event {word}: name some of {known}")
    return found
