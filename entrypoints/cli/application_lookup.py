"""How the commands find an application, and put a changed one in its place."""

from postroom.domain.handover.application import Application
from postroom.entrypoints.cli.context import AdminContext
from postroom.entrypoints.cli.errors import CommandFailed


async def find_application(admin: AdminContext, tenant: str, name: str) -> Application:
    """Raises CommandFailed."""
    found = await admin.applications.get(tenant, name)
    if found is None:
        whose = f" of the tenant {tenant}" if tenant else ""
        raise CommandFailed(
            f"there is no application {name}{whose}; see: postroom application list"
        )
    return found


async def replace_application(admin: AdminContext, before: Application, after: Application) -> None:
    if not await admin.applications.replace(before, after):
        raise CommandFailed("somebody else has changed it just now: look at it, and try again")


def of_owner(tenant: str) -> str:
    return f" --tenant {tenant}" if tenant else ""
