"""How Google writes things down: refusals, and faults that a test asks for."""

import base64
from collections import Counter
from typing import Any

Json = dict[str, Any]

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GoogleError(Exception):
    """A refusal by the Gmail API. Source of its shape: AIP-193, with the older `errors` list."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str = "As the test asked.",
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}

    def body(self) -> Json:
        domain = "usageLimits" if "imitExceeded" in self.reason else "global"
        detail = {"message": self.message, "domain": domain, "reason": self.reason}
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [detail],
                "status": _STATUS.get(self.status, "UNKNOWN"),
            }
        }


class GrantError(Exception):
    """A refusal by the token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> Json:
        return {"error": self.error, "error_description": self.description}


class Faults:
    """What is to go wrong, aimed at a method (`messages.get`, `token`, …) or a message's id."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self._planned: list[tuple[str, Exception]] = []

    def plan(self, target: str, fault: Exception, times: int) -> None:
        self._planned.extend([(target, fault)] * times)

    def meet(self, *names: str) -> None:
        """Count the call, and raise the first fault that is aimed at any of *names*."""
        self.calls.update(names)
        for planned in self._planned:
            if planned[0] in names:
                self._planned.remove(planned)
                raise planned[1]


def base64url(content: bytes) -> str:
    """RFC 4648 section 5, padded, as Gmail writes it."""
    return base64.urlsafe_b64encode(content).decode()
