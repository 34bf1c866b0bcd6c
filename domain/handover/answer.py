"""What an application answered to one call, as far as it matters: a closed set of values.

Only the application's own word ends a handover: a 404 or a 422 alone may be a deployment's, a
router's or a firewall's, and is a failure like any other (`domain/handover/health.py`).

An answer is *sure* if the application has surely not handled the message. A call that was cut off
or timed out is not: what it was to do may have been done.
"""

import re
from dataclasses import asdict, dataclass
from datetime import timedelta

MAX_REFERENCE = 200
"""Characters of a reference or a URL that an application may give back."""

MAX_REASON = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """*status* is the HTTP status; 0 where there was none."""

    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(_Answer):
    """The application has it. *reference* and *url* are its own, and not to be trusted."""

    reference: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(_Answer):
    """The application had handled a call of this key before."""

    reference: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(_Answer):
    """The application has looked at it, and there is nothing for it to do."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_Answer):
    """The application will never take this message."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProgress(_Answer):
    """Another call of this key is being worked on (draft-ietf-httpapi-idempotency-key, 409)."""

    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy(_Answer):
    """The application asks for time: 429, or 503, which proxies answer to a broken call as well."""

    sure: bool
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Answer):
    """It went wrong. *reason* is fit for a log: a status, or what broke; never what was said."""

    reason: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(_Answer):
    """No call has got through: no name, no connection, no TLS; or 410, or an address not allowed.

    It is never the message's fault.
    """

    reason: str


Final = Done | Duplicate | Skipped | Refused
Answer = Final | InProgress | Busy | Failed | Unreachable


def is_sure(answer: Answer) -> bool:
    """Whether the application has surely not handled the message."""
    match answer:
        case Refused() | Unreachable():
            return True
        case Busy(sure=sure) | Failed(sure=sure):
            return sure
        case _:
            return False


def as_dict(answer: Answer) -> dict[str, object]:
    """What it is and what it says, to be stored and shown; a wait in seconds."""
    values = {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in asdict(answer).items()
    }
    return {"kind": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(answer).__name__).lower(), **values}
