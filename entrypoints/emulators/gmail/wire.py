"""How Google writes things down: instants, content and refusals."""

import base64
from datetime import datetime
from typing import Any

Json = dict[str, Any]

PROJECT = "project"
"""The developer's project to which everything belongs that names no other."""

_STATES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GoogleError(Exception):
    """A refusal by an API of Google's. Source of its shape: AIP-193.

    Gmail adds the older list `errors` with a *reason*, and leaves it out at times (*legacy*);
    Pub/Sub has none.
    """

    def __init__(
        self,
        status: int,
        reason: str = "",
        message: str = "As the test asked.",
        *,
        headers: dict[str, str] | None = None,
        state: str = "",
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}
        self._named_state = state

    def body(self, *, legacy: bool = True) -> Json:
        error: Json = {"code": self.status, "message": self.message}
        if self.reason and legacy:
            error["errors"] = [self._detail]
        return {"error": error | {"status": self._state}}

    @property
    def _detail(self) -> Json:
        domain = "usageLimits" if "imitExceeded" in self.reason else "global"
        return {"message": self.message, "domain": domain, "reason": self.reason}

    @property
    def _state(self) -> str:
        if self.reason == "failedPrecondition":
            return "FAILED_PRECONDITION"
        return self._named_state or _STATES.get(self.status, "UNKNOWN")


class GrantError(Exception):
    """A refusal by the token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, status: int, error: str, description: str, *, subtype: str = "") -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.description = description
        self.subtype = subtype

    def body(self) -> Json:
        body = {"error": self.error, "error_description": self.description}
        return body | ({"error_subtype": self.subtype} if self.subtype else {})


def base64url(content: bytes) -> str:
    """RFC 4648 section 5, padded, as Gmail writes it."""
    return base64.urlsafe_b64encode(content).decode()


def milliseconds(moment: datetime) -> str:
    """Since the epoch, as text: JSON has no integer of 64 bits."""
    return str(int(moment.timestamp() * 1000))


def timestamp(moment: datetime) -> str:
    """An instant with three decimals: `2021-02-26T19:13:55.749Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
