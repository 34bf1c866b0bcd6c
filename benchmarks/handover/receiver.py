"""The application: `python -m benchmarks.handover.receiver` prints its port, and serves.

It answers 204 at once, and to what is posted to HANGS never. It does as little as can be done: what
is measured is who calls it.
"""

import asyncio

HANGS = "/hangs"

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """A connection: one request after another, each with its Content-Length."""

    def __init__(self) -> None:
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            first, *fields = bytes(self._received[:end]).decode("latin-1").split("\r\n")
            length = end + 4 + _content_length(fields)
            if len(self._received) < length:
                return
            del self._received[:length]
            if HANGS not in first:
                self._transport.write(_ANSWER)


def _content_length(fields: list[str]) -> int:
    named = (field.partition(":") for field in fields)
    return next(int(value) for name, _, value in named if name.lower() == "content-length")


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
