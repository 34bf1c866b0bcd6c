"""Handovers that nobody would call with, since whom they are for was removed."""

from postroom.application.ports import Applications
from postroom.domain.failure import AccessFailed
from postroom.domain.handover.application import INSTALLATION, Application
from postroom.domain.handover.handover import Handover


async def is_orphaned(applications: Applications, handover: Handover) -> bool:
    """Whether its application, or of an event the subscriber, is not there any more."""
    try:
        return await _receiver(applications, handover) is None
    except AccessFailed:  # its secrets cannot be decrypted
        return False


async def _receiver(applications: Applications, handover: Handover) -> Application | None:
    if not handover.is_of_event:
        return await applications.get(handover.tenant, handover.application)
    for owner in (handover.tenant, INSTALLATION):
        found = await applications.owned(owner, handover.application)
        if found and found.is_subscriber:
            return found
    return None
