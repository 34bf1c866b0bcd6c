"""What goes to a process and comes from it: pickles, each after its length."""

import pickle
from asyncio import StreamReader
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, BinaryIO

_LENGTH = Struct(">Q")


@dataclass(frozen=True, slots=True)
class Request:
    """Work that may take so many *seconds* of processor time, and *memory* bytes in all."""

    work: Callable[[Any], Any]
    argument: Any
    seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class Response:
    """What the work has returned, or raised."""

    result: Any = None
    error: BaseException | None = None


def pack(message: Request | Response) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read_request(stream: BinaryIO) -> Request | None:
    """None at the end."""
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    request: Request = pickle.loads(stream.read(*_LENGTH.unpack(length)))  # noqa: S301 - our parent's
    return request


async def read_response(stream: StreamReader) -> Response:
    """Raises IncompleteReadError."""
    length = await stream.readexactly(_LENGTH.size)
    response: Response = pickle.loads(await stream.readexactly(*_LENGTH.unpack(length)))  # noqa: S301
    return response
