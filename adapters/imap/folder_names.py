"""Folder names as they go over the wire: modified UTF-7 (RFC 3501 section 5.1.3)."""

import re
from base64 import b64decode, b64encode

_RUN = re.compile(r"&|[^\x20-\x7e]+")
_ENCODED = re.compile(r"&([^-]*)-")


def encode_folder_name(name: str) -> str:
    """`Entwürfe & Co` -> `Entw&APw-rfe &- Co`. Printable ASCII stands for itself."""
    return _RUN.sub(lambda run: "&-" if run[0] == "&" else f"&{_base64(run[0])}-", name)


def decode_folder_name(wire: str) -> str:
    """The other way round. What is no modified UTF-7 stands for itself, as with RFC 6855."""
    try:
        return _ENCODED.sub(lambda run: _text(run[1]) if run[1] else "&", wire)
    except ValueError:
        return wire


def _text(encoded: str) -> str:
    padded = encoded.replace(",", "/") + "=" * (-len(encoded) % 4)
    return b64decode(padded, validate=True).decode("utf-16-be")


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
