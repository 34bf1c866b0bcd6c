"""Points at a message at Graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from postroom.domain.pointer import Pointer, check_bounds


@dataclass(frozen=True, slots=True)
class MicrosoftPointer(Pointer):
    """*message_id* is the message's immutable id.

    *subscription_id* is what a notification announced it under, and *resource* the path in that
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

    @property
    def source(self) -> str:
        return f"{self.provider}:{self.message_id}"

    @property
    def log_fields(self) -> dict[str, str | int]:
        return {"subscription_id": self.subscription_id, "message_id": self.message_id}

    def packed(self) -> tuple[Any, ...]:
        """A resource that ends with the message id lies there without it, as an array of one."""
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
        subscription_id, message_id, resource = values
        if isinstance(resource, str):
            return cls(subscription_id, message_id, resource)
        [cut] = resource
        return cls(subscription_id, message_id, cut + message_id)
