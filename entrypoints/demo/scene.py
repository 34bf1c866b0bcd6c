"""A scene: what happens in it, in words, and how it is expected to end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from postroom.entrypoints.demo.stage import Stage

ANY = 0
"""In place of a number of attempts, where it depends on how long others take."""

ADA = "Ada Lovelace <ada@example.com>"
GRACE = "Grace Hopper <grace@example.com>"


@dataclass(frozen=True, slots=True)
class Awaited:
    """Where to look for an outcome: under the message's identity, or the id of its job.

    It must be newer than *since*, which is when the scene began if it is left out.
    """

    message: str = ""
    job_id: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """*expected* is how the outcome is told: its name, and a word of its detail.

    *attempts* may be ANY.

    *play* makes it happen and returns where its outcome will be, or None if there must be none.
    """

    message: str
    provider: str
    transport: str
    words: str
    expected: str
    attempts: int = 1
    play: Callable[[Stage], Awaitable[Awaited | None]]


def scene(
    provider: str, message: str, words: str, expected: str,
    play: Callable[[Stage], Awaitable[Awaited | None]], *, attempts: int = 1,
) -> Scene:  # fmt: skip
    transports = {"Microsoft": "Graph", "Google": "Pub/Sub", "IMAP": "IDLE"}
    return Scene(
        message=message, provider=provider, transport=transports[provider], words=words,
        expected=expected, attempts=attempts, play=play,
    )  # fmt: skip
