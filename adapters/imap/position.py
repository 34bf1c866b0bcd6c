"""How far an IMAP folder has been listed."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class FolderPosition:
    """All that the folder holds up to *uid* has been listed.

    That is void once the folder has another *uid_validity* (RFC 9051 section 2.3.1.1).
    """

    uid_validity: int
    uid: int

    @classmethod
    def parse(cls, position: str) -> Self:
        uid_validity, uid = position.split(":")
        return cls(int(uid_validity), int(uid))

    def __str__(self) -> str:
        return f"{self.uid_validity}:{self.uid}"


def is_position(text: str) -> bool:
    """Whether *text* is `UIDVALIDITY:UID`, which any two readers of a folder can agree on."""
    try:
        position = FolderPosition.parse(text)
    except ValueError:
        return False
    numbers = position.uid_validity, position.uid
    return (
        str(position) == text and position.uid_validity > 0 and all(0 <= n < 2**32 for n in numbers)
    )
