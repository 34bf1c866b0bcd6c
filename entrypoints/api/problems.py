"""Errors as problem details (RFC 9457), each under a `type` that stays the same for ever.

What is told is written here and at the `raise`: never the text of an exception, which may hold
what is nobody's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.types import ExceptionHandlersMap

from postroom.domain.failure import Failure, Throttled, Unavailable
from postroom.entrypoints.telemetry.privacy import error_fields

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds after which a sender may try again, where the failure does not say."""


class HungUp(Exception):
    """The client has hung up before its request was whole: nobody is left to be answered."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of error. Call it to get one to raise."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        return f"urn:postroom:problem:{self.name}"

    def __call__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> ProblemDetailsException:
        return ProblemDetailsException(
            detail=detail or f"{self.title}.",
            status_code=self.status,
            type_=self.type,
            title=self.title,
            headers=dict(headers or {}),
            extra=dict(extra or {}),
        )


INVALID_REQUEST = Problem("invalid-request", 400, "The request is not as described in /schema")
UNAUTHENTICATED = Problem("unauthenticated", 401, "It is not proven who sent the request")
BAD_SIGNATURE = Problem("bad-signature", 401, "The signature does not prove who sent the request")
FORBIDDEN = Problem("forbidden", 403, "The sender may not do this")
NOT_CONFIGURED = Problem("not-configured", 403, "A setting that this needs is missing")
NOT_FOUND = Problem("not-found", 404, "There is nothing here")
METHOD_NOT_ALLOWED = Problem("method-not-allowed", 405, "This method is not for this address")
TIMED_OUT = Problem("timed-out", 408, "The request did not come in time")
TOO_LARGE = Problem("too-large", 413, "The request is larger than is allowed")
NO_SUCH_RANGE = Problem("no-such-range", 416, "The content has no such bytes")
HEADERS_TOO_LARGE = Problem("headers-too-large", 431, "The headers are larger than is allowed")
INTERNAL = Problem("internal", 500, "Postroom failed; its log says where")
UNAVAILABLE = Problem("unavailable", 503, "What is needed for this is away; try again later")
BUSY = Problem("busy", 503, "There is no room for the request at present; try again later")
NOT_READY = Problem("not-ready", 503, "Not everything that is needed is there")

_BY_STATUS = {
    problem.status: problem
    for problem in (INVALID_REQUEST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED)
} | {413: TOO_LARGE}

_Request = Request[object, object, State]


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """RFC 9457. *type* is for programs, *title* and *detail* for people."""

    type: str
    title: str
    status: int
    detail: str


def described(*problems: Problem) -> dict[int, ResponseSpec]:
    """*problems* as the OpenAPI description shows them."""
    return {
        problem.status: ResponseSpec(
            ProblemDetails,
            description=f"{problem.title}.",
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for problem in problems
    }


def _known(_request: _Request, error: ProblemDetailsException) -> Response[dict[str, object]]:
    return error.to_response(_request)


def _http(request: _Request, error: HTTPException) -> Response[dict[str, object]]:
    """What Litestar raises: no such address, a wrong method, a body too large or not valid."""
    if error.status_code >= INTERNAL.status:
        return _crash(request, error)
    problem = _BY_STATUS.get(error.status_code, INVALID_REQUEST)
    errors = error.extra if isinstance(error, ValidationException) else None
    extra = {"errors": errors} if isinstance(errors, Sequence) else None
    return problem(headers=error.headers, extra=extra).to_response(request)


def _failure(request: _Request, failure: Failure) -> Response[dict[str, object]]:
    """A port that cannot: the sender may try again, and nothing was promised."""
    log.warning("request failed", reason=failure.reason, **_where(request, UNAVAILABLE.status))
    wish = failure.retry_after if isinstance(failure, Unavailable | Throttled) else None
    seconds = max(1, ceil(wish.total_seconds())) if wish else RETRY_AFTER
    return UNAVAILABLE(headers={"Retry-After": str(seconds)}).to_response(request)


def _to_nobody(request: _Request, _error: HungUp) -> Response[dict[str, object]]:
    """Nothing has gone wrong here. What is sent is dropped."""
    return INVALID_REQUEST().to_response(request)


def _crash(request: _Request, error: Exception) -> Response[dict[str, object]]:
    log.error("request crashed", **error_fields(error), **_where(request, INTERNAL.status))
    return INTERNAL().to_response(request)


def _where(request: _Request, status: int) -> dict[str, object]:
    # The route, not the path: a path may hold what is personal.
    return {
        "method": request.method,
        "route": request.scope.get("path_template", ""),
        "status": status,
    }


HANDLERS: ExceptionHandlersMap = {
    ProblemDetailsException: _known,
    HTTPException: _http,
    Failure: _failure,
    HungUp: _to_nobody,
    Exception: _crash,
}
