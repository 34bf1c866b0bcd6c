"""A server span for each request, below the caller's if it sent a `traceparent`."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from postroom.entrypoints.telemetry.tracing import CurrentSpan, Spans, parent_of


class ServerSpan(ASGIMiddleware):
    """Spans by OpenTelemetry's HTTP conventions, without the path: it may hold what is personal."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        method, route = str(scope.get("method", "")), scope["path_template"]
        with CurrentSpan(
            self._spans,
            f"{method} {route}",
            kind=SpanKind.SERVER,
            parent=parent_of(_traceparent(scope)),
            attributes={"http.request.method": method, "http.route": route},
        ) as span:
            await next_app(scope, receive, _watched(span, send) if span.is_recording() else send)


def _watched(span: Span, send: Send) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            _answered(span, message["status"])
        await send(message)

    return watched


def _traceparent(scope: Scope) -> str:
    found = (value for name, value in scope["headers"] if name == b"traceparent")
    return next(found, b"").decode("latin-1")


def _answered(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:  # noqa: PLR2004 - a server error (RFC 9110 section 15.6)
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
