"""Whether an application has as much waiting for it as it may."""

from postroom.application.ports import Handovers
from postroom.domain.handover.application import Application


async def why_behind(handovers: Handovers, application: Application) -> str:
    """Why nothing more is accepted for it; empty if it is. Raises Unavailable."""
    backlog = await handovers.backlog(application)
    is_full = backlog.count >= application.max_backlog
    if is_full or backlog.size >= application.max_backlog_bytes:
        return f"the application {application.name} is behind: {backlog.count} messages wait"
    return ""
