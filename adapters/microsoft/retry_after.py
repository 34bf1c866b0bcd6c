"""How long a server asks to be left alone (RFC 9110 section 10.2.3)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SHORTEST = timedelta(seconds=1)
"""A wait that costs no attempt must be a wait, or a job would be tried in a circle."""

LONGEST = timedelta(hours=1)


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The wait that *header* names, between SHORTEST and LONGEST; None if it names none.

    Graph sends seconds; a proxy on the way may send an HTTP-date, which counts from *now*.
    """
    if header is None or (wait := _parse(header.strip(), now)) is None:
        return None
    return min(max(wait, SHORTEST), LONGEST)


def _parse(text: str, now: datetime) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,9}", text):
        return timedelta(seconds=int(text))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
