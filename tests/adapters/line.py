"""The line to an emulator that runs in the process of the test."""

from dataclasses import dataclass

import httpx


@dataclass
class Line(httpx.AsyncBaseTransport):
    """Once it *is_cut*, whoever is on it hears nothing more."""

    provider: httpx.AsyncBaseTransport
    is_cut: bool = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ReadError("the line is cut", request=request)
        return await self.provider.handle_async_request(request)
