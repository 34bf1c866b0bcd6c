"""The events of applications. A subscriber has none: an event about it would make the next one."""

from datetime import datetime

from postroom.domain.addresses import without_addresses
from postroom.domain.events.event import Event, EventType
from postroom.domain.handover.application import Application
from postroom.domain.handover.body_json import clean, utc
from postroom.domain.handover.health import ALERTS, Failing, Health, Recovered, alert_of


def event_of_health(
    application: Application, before: Health, after: Health, at: datetime
) -> Event | None:
    if application.is_subscriber:
        return None
    data: dict[str, object] = {"application": application.name}
    match alert_of(before, after):
        case Failing(since=since, passed=passed, reason=reason):
            number = 1 + ALERTS.index(passed)
            data |= {"since": utc(since), "alert": number, "reason": without_addresses(reason)}
            type_ = EventType.APPLICATION_FAILING
        case Recovered(since=since, was_alerted=True):
            data |= {"since": utc(since)}
            type_ = EventType.APPLICATION_RECOVERED
        case _:
            return None
    return Event(tenant=application.tenant, type=type_, at=at, data=clean(data))
