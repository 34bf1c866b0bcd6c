"""Where a message in an IMAP folder can be fetched from."""

from dataclasses import dataclass
from typing import ClassVar

from postroom.adapters.imap.account import NAME
from postroom.domain.pointer import InvalidPointer, Pointer, check_bounds


@dataclass(frozen=True, slots=True)
class ImapPointer(Pointer):
    """A message by RFC 9051 section 2.3.1.1: *uid* means nothing without *uid_validity*."""

    folder: str
    uid: int
    uid_validity: int
    message_id: str = ""

    provider: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for name in ("uid", "uid_validity"):
            if not 0 < getattr(self, name) < 2**32:  # RFC 9051 section 9, nz-number
                raise InvalidPointer(f"{name} must be between 1 and 4294967295")
        check_bounds(self, required=("folder",))

    @property
    def log_fields(self) -> dict[str, str | int]:
        return {"folder": self.folder, "uid": self.uid, "uid_validity": self.uid_validity}

    @property
    def key(self) -> tuple[str, ...]:
        return "message", self.folder, str(self.uid_validity), str(self.uid)
