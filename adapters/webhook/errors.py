"""What it means that a call got no answer.

Reasons hold nothing of the URL, and no text of a library: either may hold a secret.
"""

import errno
import socket
import ssl
from collections.abc import Iterator, Sequence

from postroom.adapters.http.standard_webhooks import InvalidSecret
from postroom.adapters.webhook.guard import NotPublic
from postroom.domain.handover.answer import Answer, Failed, Unreachable
from postroom.domain.handover.application import InvalidApplication

_CERTIFICATE = {
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by itself",
    19: "is signed by an authority that is not trusted",
    20: "is signed by an authority that is not trusted",
    21: "is signed by an authority that is not trusted",
    62: "is for another name",
    64: "is for another address",
}
"""By OpenSSL's number (x509_vfy.h)."""

_BY_KIND: Sequence[tuple[tuple[type[Exception], ...], str]] = (
    ((NotPublic,), "its name does not lead to public addresses alone"),
    ((socket.gaierror, UnicodeError), "its name cannot be looked up (DNS)"),
    ((TimeoutError,), "no connection in time"),
    ((ConnectionRefusedError,), "it refuses connections"),
    ((ConnectionError,), "it ended the connection"),
)

_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}


def answer_without_reply(error: Exception | None, *, sent: bool) -> Answer:
    """*sent* says that a byte of the request may have gone out: then nobody knows the end."""
    if not sent:
        return Unreachable(reason=f"no call was possible: {_why(error)}")
    if isinstance(error, TimeoutError):
        return Failed(reason="the application did not answer in time", sure=False)
    return Failed(reason=f"the call broke off: {type(error).__name__}", sure=False)


def _why(error: Exception | None) -> str:
    reasons = (_reason(each) for each in _causes(error))
    return next(filter(None, reasons), f"no connection ({type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Httpcore raises its errors again `from None`: what they came from is their context."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    match error:
        case InvalidApplication() | InvalidSecret():
            return str(error)
        case ssl.SSLCertVerificationError(verify_code=code):
            return f"its certificate {_CERTIFICATE.get(code, f'is not accepted ({code})')}"
        case ssl.SSLError(reason=reason):
            return f"TLS failed ({reason})"
        case OSError(errno=number) if number in _NO_ROUTE:
            return "there is no route to it"
        case _:
            return next((why for kinds, why in _BY_KIND if isinstance(error, kinds)), "")
