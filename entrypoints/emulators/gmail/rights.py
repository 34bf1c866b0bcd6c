"""Who may do what in Pub/Sub: all of a project, but for what is taken from somebody.

Source: https://cloud.google.com/pubsub/docs/access-control.
"""

from postroom.entrypoints.emulators.gmail.access import USE_CLOUD, USE_PUBSUB, Caller
from postroom.entrypoints.emulators.gmail.wire import GoogleError

CONSUME = "pubsub.subscriptions.consume"


class Rights:
    """A permission is called as Google calls it: `pubsub.topics.get`, …"""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def take(self, permission: str, address: str) -> None:
        self._taken.add((permission, address))

    def give(self, permission: str, address: str) -> None:
        """Give back what was taken."""
        self._taken.discard((permission, address))

    def has(self, caller: Caller, permission: str, resource: str) -> bool:
        is_own = resource.split("/")[1] == caller.project
        return is_own and (permission, caller.address) not in self._taken

    def check(self, caller: Caller, permission: str, resource: str) -> None:
        """Raises GoogleError."""
        if not caller.scopes & {USE_PUBSUB, USE_CLOUD}:
            raise GoogleError(403, message="Request had insufficient authentication scopes.")
        if not self.has(caller, permission, resource):
            raise GoogleError(403, message="User not authorized to perform this action.")
