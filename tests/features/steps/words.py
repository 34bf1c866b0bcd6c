"""Parts of sentences that many steps have in common."""

from datetime import timedelta

from pytest_bdd import parsers

PROVIDER = r"(?P<provider>Microsoft 365|Gmail|IMAP)"

ACCEPTED = {202, 204}
"""HTTP statuses by which we acknowledge a notification."""

AWAY = "the provider is away"

TIME = r"(?P<count>\d+) (?P<unit>minute|hour|day)s?"


def sentence(pattern: str) -> parsers.re:
    """The sentences of a step; {provider} and {time} stand for any of these."""
    return parsers.re(pattern.replace("{provider}", PROVIDER).replace("{time}", TIME))


def duration(count: str, unit: str) -> timedelta:
    return timedelta(**{f"{unit}s": int(count)})


def number_of(text: str) -> int:
    words = {"no": 0, "one": 1}
    return words[text] if text in words else int(text)
