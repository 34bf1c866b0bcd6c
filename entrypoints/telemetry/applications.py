"""Gauges of the applications: how they stand, and what waits for them.

Those of the installation go by their names, which an operator has chosen, and are few. Those that
tenants have added are shown together: there may be any number, and a name may be a customer's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from postroom.application.ports import SurveyedApplication
from postroom.domain.handover.application_state import ApplicationState
from postroom.entrypoints.telemetry.instruments import Instruments

OF_TENANTS = "of tenants"
"""In place of a name: none has a space."""


def show_applications(
    instruments: Instruments, surveyed: Sequence[SurveyedApplication], now: datetime
) -> None:
    """Put what was *surveyed* at *now* in the place of what is shown."""
    groups = _by_label(surveyed)
    instruments.backlog_messages.show(
        {(("application", name),): sum(each.backlog.count for each in of) for name, of in groups}
    )
    instruments.backlog_size.show(
        {(("application", name),): sum(each.backlog.size for each in of) for name, of in groups}
    )
    instruments.backlog_age.show(
        {(("application", name),): max(_age(each, now) for each in of) for name, of in groups}
    )
    instruments.applications.show(
        {
            (("application", name), ("state", state.value)): sum(each.state is state for each in of)
            for name, of in groups
            for state in ApplicationState
        }
    )


def hide_applications(instruments: Instruments) -> None:
    """They cannot be looked up, and nobody is to take what was for what is."""
    for gauge in (
        instruments.backlog_messages,
        instruments.backlog_size,
        instruments.backlog_age,
        instruments.applications,
    ):
        gauge.show({})


def _by_label(
    surveyed: Iterable[SurveyedApplication],
) -> Sequence[tuple[str, Sequence[SurveyedApplication]]]:
    groups: dict[str, list[SurveyedApplication]] = {}
    for each in surveyed:
        groups.setdefault(OF_TENANTS if each.owner else each.name, []).append(each)
    return list(groups.items())


def _age(surveyed: SurveyedApplication, now: datetime) -> float:
    oldest = surveyed.backlog.oldest
    return max(now - oldest, timedelta()).total_seconds() if oldest else 0.0
