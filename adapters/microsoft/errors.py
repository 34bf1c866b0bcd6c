"""What Graph and Entra ID say went wrong, as the failures of the domain: two tables.

Whatever stands in neither table is Unavailable: it is tried again and in the end looked at by a
person, and never taken for a message that is gone.

Reasons hold the status and the codes alone. The texts beside them name addresses.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ValidationError

from postroom.domain.failure import (
    AccessFailed,
    Failure,
    SourceGone,
    Throttled,
    Unavailable,
    Unprocessable,
)

MAILBOX_MOVE = timedelta(minutes=15)
"""A mailbox that moves between databases is away for hours; looking each quarter is enough."""

SHORTEST_WAIT = timedelta(seconds=1)
"""A wait that costs no attempt must be a wait, or a job would be tried in a circle."""

DEFAULT_RETRY_AFTER = timedelta(seconds=10)
"""How long a 429 without a Retry-After is heeded."""

Meanings = Mapping[int | str, Callable[[str], Exception]]
"""What a status, or a code in lower case, means to one caller; made with the reason."""


class TokenRejected(AccessFailed):
    """Graph does not accept the access token (401); a fresh one may do."""


class Refused(Unavailable):
    """The request was refused for a reason that stands in no table: as it is, it may never do."""


_GRAPH: Mapping[tuple[int, str], type[SourceGone | Unprocessable | AccessFailed]] = {
    (404, "ErrorItemNotFound"): SourceGone,
    (400, "ErrorInvalidIdMalformed"): Unprocessable,
    (404, "ErrorInvalidMailboxItemId"): Unprocessable,  # an id of another mailbox
    (404, "ErrorInvalidUser"): AccessFailed,
    (404, "ErrorNonExistentMailbox"): AccessFailed,
    (404, "MailboxNotEnabledForRESTAPI"): AccessFailed,  # no licensed Exchange Online mailbox
    (404, "MailboxNotSupportedForRESTAPI"): AccessFailed,
    (404, "Request_ResourceNotFound"): AccessFailed,
    (404, "ResourceNotFound"): AccessFailed,
}

_GRAPH_STATUS: Mapping[int, type[AccessFailed]] = {
    HTTPStatus.UNAUTHORIZED: TokenRejected,
    HTTPStatus.FORBIDDEN: AccessFailed,
}

_MAILBOX_AWAY = frozenset({"ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable"})

_ENTRA_ERRORS = frozenset(
    {
        "access_denied",
        "authorization_declined",  # the person would not sign in with the device code
        "bad_verification_code",
        "consent_required",
        "expired_token",  # the device code was not entered in time
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_resource",
        "invalid_scope",
        "invalid_tenant",
        "unauthorized_client",
    }
)
"""RFC 6749 section 5.2, RFC 8628, and what Entra ID adds to them: no retry mends these."""

SLOW_DOWN = "slow_down"
_NOT_YET = frozenset({"authorization_pending", SLOW_DOWN})
"""RFC 8628 section 3.5: a person has a device code before them, and is to be asked after again."""

_AADSTS = frozenset(
    {
        50173,  # the grant was revoked, or the password changed
        65001,  # no consent
        53003,  # a Conditional Access policy forbids it
        90002,  # no such directory
        700016,  # no such application in the directory
        700027,  # the certificate is none of the application's
        700082,  # the refresh token was idle for 90 days
        900023,  # not the name of a directory
        7000112,  # the application is disabled
        7000215,  # wrong client secret
        7000218,  # the application is no public client
        7000222,  # expired client secret
    }
)
"""learn.microsoft.com/entra/identity-platform/reference-error-codes"""


def failure_of(status: int, body: bytes, wait: timedelta | None, meanings: Meanings) -> Exception:
    """What Graph's response of *status* and error *body* means; *wait* is its Retry-After.

    A meaning of the code, and then one of the status, goes before our own table.
    Source: learn.microsoft.com/graph/errors and /graph/throttling.
    """
    code = _graph_code(body)
    reason = f"Graph answered {status} {code}".rstrip()
    if code in _MAILBOX_AWAY:
        return Throttled(reason, retry_after=max(wait or MAILBOX_MOVE, MAILBOX_MOVE))
    if meaning := meanings.get(code.lower()) or meanings.get(status):
        return meaning(reason)
    if remedy := _GRAPH.get((status, code)) or _GRAPH_STATUS.get(status):
        return remedy(reason)
    if status != HTTPStatus.TOO_MANY_REQUESTS and httpx.codes.is_client_error(status):
        return Refused(reason, retry_after=wait)
    return _busy(reason, status, wait)


def sign_in_failure_of(status: int, body: bytes, wait: timedelta | None) -> Failure:
    """What the response of Entra ID's token or metadata endpoint means."""
    found = _entra_error(body)
    number = _aadsts(found.error_description)
    named = (str(status), _code(found.error), f"AADSTS{number}" if number else "")
    reason = " ".join(("sign-in answered", *filter(None, named)))
    if found.error in _ENTRA_ERRORS or number in _AADSTS:
        return AccessFailed(reason)
    return _busy(reason, status, wait)


def awaits_the_person(body: bytes) -> bool:
    """Whether Entra ID's response says that a person has not signed in with a device code yet."""
    return _entra_error(body).error in _NOT_YET


def _busy(reason: str, status: int, wait: timedelta | None) -> Throttled | Unavailable:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(reason, retry_after=wait or DEFAULT_RETRY_AFTER)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and wait:
        return Throttled(reason, retry_after=wait)
    return Unavailable(reason, retry_after=wait)


class _ErrorDetail(BaseModel):
    code: str = ""


class _GraphError(BaseModel):
    error: _ErrorDetail


class _EntraError(BaseModel):
    error: str = ""
    error_description: str = ""


def _entra_error(body: bytes) -> _EntraError:
    try:
        return _EntraError.model_validate_json(body)
    except ValidationError:
        return _EntraError()


def _graph_code(body: bytes) -> str:
    try:
        return _code(_GraphError.model_validate_json(body).error.code)
    except ValidationError:
        return ""


def _code(text: str) -> str:
    """*text* if it can be a code, and so cannot be an address or a sentence."""
    return text if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", text) else ""


def _aadsts(description: str) -> int:
    found = re.match(r"AADSTS([0-9]{1,9})\b", description)
    return int(found[1]) if found else 0
