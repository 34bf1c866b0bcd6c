"""Dates responses by the clock of an emulator, which may be another than the host's."""

from email.utils import format_datetime
from typing import Any

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.loopback import AsgiApp


def dated(app: AsgiApp, clock: Clock) -> AsgiApp:
    """*app*, whose responses have a `Date` (RFC 9110 section 6.6.1)."""

    async def respond(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - see AsgiApp
        async def send_dated(message: Any) -> None:  # noqa: ANN401
            if message["type"] == "http.response.start":
                date = format_datetime(clock.now(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await app(scope, receive, send_dated)

    return respond
