"""What an application's answer over HTTP means: this table, and no more.

| answer                                     | means                        | surely not handled |
|--------------------------------------------|------------------------------|--------------------|
| any 2xx                                    | done                         |                    |
| 208; 2xx or 409 with `duplicate`           | duplicate                    |                    |
| 2xx with `skipped`                         | skipped                      |                    |
| 2xx or 422 with `refused`                  | refused                      | yes                |
| other 409                                  | the key is being worked on   | no                 |
| 429                                        | the application asks for time| yes                |
| 503                                        | the same, or a proxy does    | no                 |
| 410                                        | the application is not there | yes                |
| other 3xx (never followed), 4xx            | failed                       | yes                |
| 408, 425, other 5xx, and what is no status | failed                       | no                 |

What stands in code marks is the `outcome` in the body: no status alone refuses a message.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from postroom.adapters.http.retry_after import retry_after
from postroom.adapters.webhook.said import Said, said
from postroom.domain.handover.answer import (
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    Final,
    InProgress,
    Refused,
    Skipped,
    Unreachable,
)

_MAY_BE_HANDLED = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
"""Of the 4xx: proxies answer them to a call that has gone through."""

MAX_HOST = 253
"""Characters of a name in DNS (RFC 1035)."""


def answer_of(
    status: int, headers: Mapping[str, str], body: bytes | bytearray, now: datetime
) -> Answer:
    """The names of *headers* are in lower case; *body* may have been cut."""
    return _final(status, said(body)) or _not_final(status, headers, now)


def _final(status: int, words: Said) -> Final | None:
    success, outcome = httpx.codes.is_success(status), words.outcome
    if status == HTTPStatus.ALREADY_REPORTED or (
        outcome == "duplicate" and (success or status == HTTPStatus.CONFLICT)
    ):
        return Duplicate(status=status, reference=words.reference, url=words.url)
    if outcome == "refused" and (success or status == HTTPStatus.UNPROCESSABLE_ENTITY):
        return Refused(status=status, reason=words.reason)
    if outcome == "skipped" and success:
        return Skipped(status=status, reason=words.reason)
    return Done(status=status, reference=words.reference, url=words.url) if success else None


def _not_final(status: int, headers: Mapping[str, str], now: datetime) -> Answer:
    match status:
        case HTTPStatus.CONFLICT:
            return InProgress(status=status, retry_after=_wish(headers, now))
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            sure = status == HTTPStatus.TOO_MANY_REQUESTS
            return Busy(status=status, sure=sure, retry_after=_wish(headers, now))
        case HTTPStatus.GONE:
            return Unreachable(status=status, reason="the application answered 410 (gone)")
        case _:
            reason = f"the application answered {status}{_redirect(status, headers)}"
            return Failed(status=status, reason=reason, sure=_is_sure(status))


def _is_sure(status: int) -> bool:
    turned_away = httpx.codes.is_redirect(status) or httpx.codes.is_client_error(status)
    return turned_away and status not in _MAY_BE_HANDLED


def _wish(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    return retry_after(headers.get("retry-after"), now)


def _redirect(status: int, headers: Mapping[str, str]) -> str:
    """Where a redirect leads, by its host alone: a path or a query may hold a secret."""
    if not (httpx.codes.is_redirect(status) and "location" in headers):
        return ""
    try:
        host = httpx.URL(headers["location"]).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return ", a redirect that cannot be read"
    return f", a redirect to {host[:MAX_HOST] or 'another path'}, which is not followed"
