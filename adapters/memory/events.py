"""Events, written with what they state if anybody subscribes to them."""

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.domain.events.delivering import is_for
from postroom.domain.events.event import Event, Stored


def write(database: InMemoryDatabase, tables: Tables, event: Event | None) -> None:
    """Into *tables*, those of its tenant in the transaction that is open."""
    if event is None:
        return
    stored = Stored(event.id, event)
    rows = [*tables.applications.values(), *database.installation.applications.values()]
    subscribers = [each for each in rows if each.is_subscriber]
    if any(is_for(each.tenant, each.events, stored) for each in subscribers):
        tables.events[stored.id] = stored
