"""A frozen body for another application than it was rendered for.

It is not rendered again: the provider's hints are in it alone, and the original may be gone.
"""

import json
from collections.abc import Mapping
from typing import Any

from postroom.domain.handover.application import Application, BodyKind
from postroom.domain.handover.body_fit import fit
from postroom.domain.handover.body_json import encoded

_THIN: Mapping[str, object] = {
    "content.text": "",
    "content.html": None,
    "reply": None,
    "email.headers": [],
}
"""What a thin body has in place of what it leaves out, by path in `data`."""


def readdressed(body: bytes, to: Application) -> bytes:
    """*body* with the name of *to*, and as that wants its bodies; else it says the same.

    What is no message stays as it is.
    """
    read: dict[str, Any] = json.loads(body)
    if read.get("type") != "mail.received":
        return body
    data = read["data"]
    data["application"] = to.name
    data["sequence"] = None
    if to.body is BodyKind.THIN:
        _make_thin(data)
    return encoded(fit(read, to.max_body))  # type: ignore[arg-type]


def _make_thin(data: dict[str, Any]) -> None:
    cut: list[str] = data["content"]["truncated"]
    for path, nothing in _THIN.items():
        *owner, name = path.split(".")
        of = data[owner[0]] if owner else data
        if of[name] != nothing:
            of[name] = nothing
            cut += [path] * (path not in cut)
