"""How the commands find an application, and put a changed one in its place."""

from postroom.domain.handover.application import Application, InvalidApplication
from postroom.domain.handover.fallback import check_fallbacks, concerns_fallbacks
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


async def find_own(admin: AdminContext, tenant: str, name: str) -> Application:
    """The one that is to be changed: nobody changes another owner's. Raises CommandFailed."""
    found = await find_application(admin, tenant, name)
    if found.tenant != tenant:
        raise CommandFailed(f"{name} is the installation's: leave out --tenant")
    return found


async def replace_application(admin: AdminContext, before: Application, after: Application) -> None:
    if not await admin.applications.replace(before, after):
        raise CommandFailed("somebody else has changed it just now: look at it, and try again")


async def require_others(admin: AdminContext, application: Application) -> None:
    """Those that it names must be there, and fit. Raises InvalidApplication."""
    for name in application.copies:
        found = await admin.applications.get(application.tenant, name)
        if found is None:
            raise InvalidApplication(f"there is no application {name}: add it first")
        if found.scheme == "python":
            raise InvalidApplication(f"{name} is a processor, which gets no copies")
    if concerns_fallbacks(application):  # to read all fails if the secrets of one are unreadable
        check_fallbacks(application, await admin.applications.all())


def check_destination(application: Application) -> None:
    """Raises InvalidApplication if it cannot be where it is said to be."""
    # Imported here, so that `postroom --help` does not wait for it.
    from postroom.entrypoints.container import handovers  # noqa: PLC0415

    handovers.check_destination(application)


def new_secret() -> str:
    from postroom.entrypoints.container.handovers import generate_secret  # noqa: PLC0415

    return generate_secret()


def of_owner(tenant: str) -> str:
    return f" --tenant {tenant}" if tenant else ""
