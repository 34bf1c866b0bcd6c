"""How the mail of a provider is received: an operator's setting, for each provider by its name.

| mode   | mail comes by           | subscriptions, watches        | jobs that wait  | messages    |
|--------|-------------------------|-------------------------------|-----------------|-------------|
| queue  | notifications, syncs    | ours are made, renewed, ended | are handled     | are handled |
| shadow | syncs; a notification   | no one's is touched: another  | are handled     | are stored, |
|        | that comes is a hint    | system lives on its own       |                 | not handled |
| off    | nothing: senders get a  | no one's is touched           | wait at no cost | do not come |
|        | 503, and send again     |                               |                 |             |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class IngressMode(StrEnum):
    """From bold to careful."""

    QUEUE = "queue"
    SHADOW = "shadow"
    OFF = "off"


_SAID = {IngressMode.SHADOW: "in shadow", IngressMode.OFF: "off"}


@dataclass(frozen=True, slots=True)
class Ingress:
    """The mode of each provider that has another one than QUEUE, by the provider's name."""

    modes: Mapping[str, IngressMode] = field(default_factory=dict)

    def mode_of(self, provider: str) -> IngressMode:
        return self.modes.get(provider, IngressMode.QUEUE)

    def is_off(self, provider: str) -> bool:
        return self.mode_of(provider) is IngressMode.OFF

    def obstacle(self, provider: str) -> str:
        """Why nothing is done about notifications of *provider*; empty if it is (QUEUE)."""
        said = _SAID.get(self.mode_of(provider))
        return f"ingress of {provider} is {said}" if said else ""


OPEN = Ingress()
"""Every provider's mail is received, and handled."""
