"""Applications, and what waits for them; their secrets are never shown."""

from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlsplit

from postroom.application.ports import Backlog
from postroom.domain.handover.application import Application, Mode
from postroom.domain.handover.application_state import ApplicationState, application_state
from postroom.domain.handover.health import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """*tenant* is null if it is the installation's. *destination* ends with the host.

    *state*: `active`, `suspect`, `paused` (by itself, or by a person), `shadow` or `off`; *reason*
    says why, and *since* from when on it has failed. *waiting* counts messages, and *oldest* is
    when the first of them was accepted.
    """

    tenant: str | None
    name: str
    destination: str
    state: str
    reason: str
    since: datetime | None
    waiting: int
    oldest: datetime | None
    mode: Mode
    order: str
    when_unsure: str
    in_flight: int
    timeout_seconds: float
    body: str
    max_body: int
    max_backlog: int
    retention_days: float
    copies: tuple[str, ...]
    fallback: str | None
    fallback_after_seconds: float
    added_at: datetime


def application_view(application: Application, health: Health, backlog: Backlog) -> ApplicationView:
    state, reason, since = _state(application, health)
    return ApplicationView(
        tenant=application.tenant or None,
        name=application.name,
        destination=shown_destination(application.destination),
        state=state,
        reason=reason,
        since=since,
        waiting=backlog.count,
        oldest=backlog.oldest,
        mode=application.mode,
        order=application.order.value,
        when_unsure=application.when_unsure.value,
        in_flight=application.in_flight,
        timeout_seconds=application.timeout.total_seconds(),
        body=application.body.value,
        max_body=application.max_body,
        max_backlog=application.max_backlog,
        retention_days=application.retention.total_seconds() / 86_400,
        copies=application.copies,
        fallback=application.fallback or None,
        fallback_after_seconds=application.fallback_after.total_seconds(),
        added_at=application.added_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberView:
    """As an `ApplicationView`; *events* are the types that it wants, none of them if all."""

    tenant: str | None
    name: str
    destination: str
    events: tuple[str, ...]
    state: str
    reason: str
    since: datetime | None
    waiting: int
    oldest: datetime | None
    max_backlog: int
    retention_days: float
    added_at: datetime


def subscriber_view(subscriber: Application, health: Health, backlog: Backlog) -> SubscriberView:
    view = application_view(subscriber, health, backlog)
    shared = {each.name: getattr(view, each.name, None) for each in fields(SubscriberView)}
    return SubscriberView(**{**shared, "events": subscriber.events})  # type: ignore[arg-type]


def shown_destination(destination: str) -> str:
    """Scheme and host alone: a user, a path and a query may be secrets."""
    if destination.startswith(("python:", "redis-stream:")):
        return destination
    parts = urlsplit(destination)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}"


def _state(application: Application, health: Health) -> tuple[str, str, datetime | None]:
    state = application_state(
        application.mode, health.condition, paused_by_person=application.is_paused
    )
    if state not in (ApplicationState.SUSPECT, ApplicationState.PAUSED):
        return state.value, "", None
    if application.is_paused:
        return state.value, application.paused_reason, application.paused_since
    return state.value, health.reason, health.failing_since
