"""A message as a Python processor gets it: the body's properties, and content for its links."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from postroom.application.ports import Clock, HtmlSanitiser, Offload
from postroom.application.processing import Mail, Record
from postroom.application.sanitising import sanitised
from postroom.domain.handover.body import body_data
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.handover import KEY_GOOD_FOR
from postroom.domain.handover.key import handover_key
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox

_AS_THEY_ARE = {"keywords"}
"""Whose names are no properties."""

_LINKS = {"url", "text_url"}

_MAIL = [each.name for each in fields(Mail) if each.name != "raw"]


@dataclass(frozen=True, slots=True)
class ReadForProcessor:
    sanitise: HtmlSanitiser
    offload: Offload
    clock: Clock

    async def __call__(self, mailbox: Mailbox, inbound: InboundMessage, processor: str) -> Mail:
        html = await sanitised(inbound.message.html, self.sanitise, self.offload)
        now = self.clock.now()
        key = handover_key(mailbox.tenant, mailbox.id, inbound.identity)
        accepted = Acceptance(key=key, at=now, keep_key_until=now + KEY_GOOD_FOR)
        options = BodyOptions(application=processor, base_url="")
        data = body_data(mailbox, inbound, html, accepted, options)
        return mail_of(data, inbound)


def mail_of(data: Mapping[str, Any], inbound: InboundMessage) -> Mail:
    """*data* is that of the body of *inbound*."""
    values = _snake_case(data)
    message = inbound.message
    parts = zip(values["email"]["attachments"], message.attachments, strict=False)
    files = [{**part, "content": file.content} for part, file in parts]
    values["email"]["attachments"] = files
    values["content"]["original_html"] = message.html or None
    values["raw"] = None
    found = {name: _recorded(values[name]) for name in _MAIL}
    return Mail(**found, raw=inbound.raw)


def _snake_case(data: Mapping[str, Any]) -> dict[str, Any]:
    named = {_name(name): value for name, value in data.items()}
    return {
        name: value if name in _AS_THEY_ARE else _deeply(value)
        for name, value in named.items()
        if name not in _LINKS
    }


def _deeply(value: Any) -> Any:  # noqa: ANN401 - any part of JSON
    match value:
        case dict():
            return _snake_case(value)
        case list():
            return [_deeply(each) for each in value]
        case _:
            return value


def _recorded(value: Any) -> Any:  # noqa: ANN401
    match value:
        case dict():
            return Record({name: _recorded(each) for name, each in value.items()})
        case list():
            return tuple(_recorded(each) for each in value)
        case _:
            return value


def _name(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return "from_" if snake == "from" else snake
