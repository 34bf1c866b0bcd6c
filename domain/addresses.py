"""Texts without mail addresses, where they leave for those that mail is not meant for."""

import re

# Whatever is written like an address, a quoted left side and an encoded @ included.
_ADDRESS = re.compile(r'(?:"[^"]*")?\S*(?:@|%40)\S*')


def without_addresses(text: str) -> str:
    """*text* with mail addresses, and whatever else is written like one, taken out."""
    return _ADDRESS.sub("(address)", text) if "@" in text or "%40" in text else text
