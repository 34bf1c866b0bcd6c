"""Folder names as they go over the wire: modified UTF-7 (RFC 3501 section 5.1.3)."""

import re
from base64 import b64encode

_RUN = re.compile(r"&|[^\x20-\x7e]+")


def encode_folder_name(name: str) -> str:
    """`Entwürfe & Co` -> `Entw&APw-rfe &- Co`. Printable ASCII stands for itself."""
    return _RUN.sub(lambda run: "&-" if run[0] == "&" else f"&{_base64(run[0])}-", name)


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
