"""What a body is rendered from, beside the message itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from postroom.domain.handover.body_limits import KIBIBYTE

Withheld = Literal["size", "count", "policy"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The key of what is handed over again as a new message, and how often that was done."""

    of: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyOptions:
    """What the application wants. *base_url* is the one that the links begin with.

    A *thin* body has no text, HTML, reply and headers. Files of fewer than *inline_below* bytes are
    in it. *max_body* is in bytes, and no smaller than 16 KiB.
    """

    application: str
    base_url: str
    max_body: int = 960 * KIBIBYTE
    thin: bool = False
    inline_below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What is decided when a message is accepted, so that every rendering of it is the same.

    *withheld* has the part numbers of files that cannot be fetched.
    """

    key: str
    at: datetime
    keep_key_until: datetime
    sequence: int | None = None
    replayed: Replayed | None = None
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
