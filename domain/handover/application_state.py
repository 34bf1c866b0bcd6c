"""How an application stands, in one word: what a person has set comes before what it answers."""

from enum import StrEnum

from postroom.domain.handover.application import Mode
from postroom.domain.handover.health import Condition


class ApplicationState(StrEnum):
    ACTIVE = "active"
    SUSPECT = "suspect"
    PAUSED = "paused"  # by itself, or by a person
    SHADOW = "shadow"
    OFF = "off"


def application_state(
    mode: Mode, condition: Condition, *, paused_by_person: bool
) -> ApplicationState:
    if mode is not Mode.DELIVER:
        return ApplicationState(mode.value)
    return ApplicationState.PAUSED if paused_by_person else ApplicationState(condition.value)
