"""How long a server asks to be left alone (RFC 9110 section 10.2.3).

Own code, since what parses the header elsewhere (urllib3) counts a date from the host's clock.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=1)
"""A nonsensical wait must not stop a mailbox for good."""


def retry_after(
    header: str | None, now: datetime, *, shortest: timedelta = timedelta()
) -> timedelta | None:
    """The wait that *header* names, between *shortest* and LONGEST; None if it names none.

    A server sends seconds, or an HTTP-date, which counts from *now*.
    """
    if header is None or (wait := _parse(header.strip(), now)) is None:
        return None
    return min(max(wait, shortest), LONGEST)


def _parse(text: str, now: datetime) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,9}", text):
        return timedelta(seconds=int(text))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
