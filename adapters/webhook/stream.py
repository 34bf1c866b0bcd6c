"""The wire of a call, of which no more is read than an answer needs.

The body alone is bounded by who reads it. A server may also send interim responses (1xx) without
end, or chunks of a byte: each costs more to parse than to send, in the loop that all share.
"""

import ssl
from typing import Any

import httpcore

MAX_WIRE_BYTES = 256 * 1024
"""Of one answer: a header of the most that h11 takes, and the body that is read, with room."""

AT_A_TIME = 8 * 1024
"""Bytes that are parsed before others have their turn."""


class BoundedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._read = 0

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        if self._read >= MAX_WIRE_BYTES:
            raise httpcore.ReadError
        data = await self._stream.read(min(max_bytes, AT_A_TIME), timeout)
        self._read += len(data)
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> None:
        self._read = 0
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Closed if it fails: httpcore leaves it open where it is cancelled."""
        try:
            return BoundedStream(
                await self._stream.start_tls(ssl_context, server_hostname, timeout)
            )
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)
