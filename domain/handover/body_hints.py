"""What a provider had said of a message, out of the body in which it was frozen."""

import json
from typing import Any

from postroom.domain.mail.message import SourceHints


def hints_of(body: bytes) -> SourceHints:
    data: dict[str, Any] = json.loads(body)["data"]
    source = data["source"]
    return SourceHints(
        id=source["id"],
        thread_id=source["threadId"] or "",
        labels=tuple(source["labels"]),
        folder=source["folder"] or "",
        keywords=tuple(data["email"]["keywords"]),
    )
