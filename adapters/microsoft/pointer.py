"""Points at a message in Graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from postroom.domain.pointer import Pointer, check_bounds


@dataclass(frozen=True, slots=True)
class MicrosoftPointer(Pointer):
    """A message at Graph: *message_id* is its immutable id.

    *subscription_id* is what a notification told of it under, and *resource* the path in that
    notification; both are empty if it was listed.
    """

    provider: ClassVar[str] = "microsoft"

    subscription_id: str
    message_id: str
    resource: str = ""

    def __post_init__(self) -> None:
        check_bounds(self, required=("message_id",))

    @property
    def key(self) -> tuple[str, ...]:
        return "message", self.message_id

    def packed(self) -> tuple[Any, ...]:
        cut = self.resource.removesuffix(self.message_id)
        return (
            self.subscription_id,
            self.message_id,
            self.resource if cut == self.resource else (cut,),
        )

    @classmethod
    def packed_types(cls) -> tuple[Any, ...]:
        return str, str, str | tuple[str]

    @classmethod
    def unpacked(cls, values: Sequence[Any]) -> Self:
        subscription, message, resource = values
        if not isinstance(resource, str):
            resource = resource[0] + message
        return cls(subscription, message, resource)
