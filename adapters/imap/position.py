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
