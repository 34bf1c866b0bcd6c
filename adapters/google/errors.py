"""What Google's refusals mean for a job, by status and reason code.

Only codes get into our reasons: Google's own texts name users and projects.
Codes: https://developers.google.com/workspace/gmail/api/guides/handle-errors and, of the token end
point, RFC 6749 section 5.2.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import httpx

from postroom.adapters.google.pauses import FIRST
from postroom.adapters.http.retry_after import LONGEST, retry_after
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable

QUOTA = {
    "dailyLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
}

NOT_FOUND = {"notFound", "NOT_FOUND"}
NO_GMAIL = {"failedPrecondition", "FAILED_PRECONDITION"}
"""In the older list of errors, and as a status alone (AIP-193): Gmail writes both, or one."""

NO_GRANT = {
    "access_denied",
    "admin_policy_enforced",
    "deleted_client",
    "disabled_client",
    "invalid_client",
    "invalid_grant",  # no such user, a deleted key, a clock that is wrong
    "invalid_scope",
    "org_internal",
    "unauthorized_client",  # the scope is not delegated to this service account
}


FailureOf: TypeAlias = Callable[
    [int, Mapping[str, str], bytes, datetime, Callable[[], timedelta]], Exception
]
"""What a response stands for: its status, headers and body, the time by its server's clock, and how
long to leave a server alone that does not say for how long.
"""


class Refused(Unavailable):
    """The request was refused for a reason that we do not know: as it is, it may never do."""


class NotFound(Unavailable):
    """Google knows no such thing. What that means, only the one who asked for it can tell."""


def failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    unsaid: Callable[[], timedelta],
) -> Failure:
    """The failure that Gmail's response stands for.

    *unsaid* is how long to leave a Gmail alone that does not say for how long.
    """
    error = _error_of(body)
    codes = tuple(_codes(error))
    reason = " ".join([f"gmail answered {status}", *codes[:1]])
    pause = _retry_after(headers, error, now)
    match status:
        case 404 if NOT_FOUND.intersection(codes[:1]):
            return NotFound(reason)  # another one is not Gmail's own, and says nothing of the mail
        case 429:
            return Throttled(reason, retry_after=pause or unsaid())
        case 403 if QUOTA.intersection(codes):
            return Throttled(reason, retry_after=pause or unsaid())
        case 401 | 403:
            return AccessFailed(reason)
        case 400 if NO_GMAIL.intersection(codes[:1]):  # no Gmail, or no delegation
            return AccessFailed(reason)
        case _:
            kind = Refused if httpx.codes.is_client_error(status) else Unavailable
            return kind(reason, retry_after=pause)


def grant_failure_of(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> Failure:
    """The failure that a response of the token endpoint stands for."""
    answer = _object(body)
    code, subtype = code_of(answer.get("error")), code_of(answer.get("error_subtype"))
    reason = " ".join(filter(None, ["the token endpoint answered", str(status), code, subtype]))
    pause = _retry_after(headers, {}, now)
    match status:
        case 429:
            return Throttled(reason, retry_after=pause or FIRST)
        case 400 | 401 | 403 if code in NO_GRANT:
            return AccessFailed(reason)
        case _:
            return Unavailable(reason, retry_after=pause)


def codes_in(body: bytes) -> tuple[str, ...]:
    """Every code of an error of Gmail's, the most telling first."""
    return tuple(_codes(_error_of(body)))


def says(body: bytes, text: str) -> bool:
    """Whether Gmail's own text of an error has *text* in it, for what it has no code for."""
    return text in str(_error_of(body).get("message", ""))


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error_of(body: bytes) -> dict[str, object]:
    error = _object(body).get("error")
    return error if isinstance(error, dict) else {}


def _codes(error: dict[str, object]) -> Iterator[str]:
    """Every code of a Google API error, the most telling first (google.rpc.Status, AIP-193)."""
    for name in ("errors", "details"):
        items = error.get(name)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and (code := code_of(item.get("reason"))):
                yield code
    if code := code_of(error.get("status")):
        yield code


def code_of(value: object) -> str:
    """*value* if it is an identifier: whatever else it is may be personal."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,64}", value) else ""


def _retry_after(
    headers: Mapping[str, str], error: dict[str, object], now: datetime
) -> timedelta | None:
    """Google's wish: the Retry-After header, or else what Gmail's text says; None if it has none.

    A wait of nothing is no wish.
    """
    header = headers.get("Retry-After")
    wait = retry_after(header, now) if header else _wait_in(str(error.get("message", "")), now)
    return wait if wait and wait > timedelta() else None


def _wait_in(text: str, now: datetime) -> timedelta | None:
    """Gmail writes "User-rate limit exceeded.  Retry after 2026-11-25T10:00:00.123Z"."""
    if not (found := re.search(r"Retry after (\d{4}-[\d:T.-]+)Z", text)):
        return None
    try:
        end = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return min(end - now, LONGEST)
