"""How Graph writes things down: instants, ids and refusals."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]

DIRECTORY = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
CLIENT_ID = "24d3b144-21ae-4080-943f-7067b395b913"
CLIENT_SECRET = "the application's secret"

IMMUTABLE_ID = 'IdType="ImmutableId"'


class GraphError(Exception):
    """A refusal. Source of its shape: learn.microsoft.com/graph/errors."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, now: datetime, request_id: str, client_request_id: str) -> Json:
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": f"{now:%Y-%m-%dT%H:%M:%S}",
                    "request-id": request_id,
                    "client-request-id": client_request_id,
                },
            }
        }


def timestamp(moment: datetime) -> str:
    """An instant with the seven decimals of .NET: `2030-01-01T00:00:00.0000000Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def guid(name: str) -> str:
    """The object id of *name*: always the same one."""
    return str(uuid5(NAMESPACE_URL, name))


def exchange_id(prefix: str, *names: object) -> str:
    """An id of the length and the alphabet that Exchange uses (base64url, 152 characters)."""
    digest = hashlib.shake_256("\x1f".join(map(str, names)).encode()).digest(109)
    return (prefix + base64.urlsafe_b64encode(digest).decode())[:151] + "="


@dataclass
class RecordedRequest:
    """One request as it came in; *path* and *query* as on the wire, still percent-encoded."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    query: str = ""
