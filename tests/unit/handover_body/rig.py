"""Bodies as an application gets them, each of which has been compared with the schema."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from postroom.adapters.memory.sanitiser import PlainSanitiser
from postroom.application.ports import FetchedMessage
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.key import handover_key
from postroom.domain.mail.message import NO_HINTS, InboundMessage, SourceHints
from postroom.domain.mail.trusted_servers import NOBODY, TrustedServers
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.api.handover_schema import handover_schema
from tests.contracts.samples import imap_mailbox
from tests.reading import read_inbound

MAILBOX = imap_mailbox(address="support@acme.example")
OPTIONS = BodyOptions(application="crm", base_url="https://postroom.acme.example/")
ACCEPTED_AT = datetime(2026, 11, 26, 9, 14, 7, 512_000, tzinfo=UTC)
RECEIVED_AT = datetime(2026, 11, 26, 9, 13, 58, tzinfo=UTC)

Json = dict[str, Any]


def inbound(raw: bytes) -> InboundMessage:
    return read_inbound(FetchedMessage("imap:INBOX:1:7", raw, RECEIVED_AT))


def acceptance(message: InboundMessage, **changes: Any) -> Acceptance:  # noqa: ANN401 - any field
    accepted = Acceptance(
        key=handover_key(MAILBOX.tenant, MAILBOX.id, message.identity),
        at=ACCEPTED_AT,
        keep_key_until=ACCEPTED_AT + timedelta(days=37),
    )
    return replace(accepted, **changes)


def rendered(
    raw: bytes,
    *,
    options: BodyOptions = OPTIONS,
    mailbox: Mailbox = MAILBOX,
    changes: Mapping[str, Any] | None = None,
    hints: SourceHints = NO_HINTS,
    trusted: TrustedServers = NOBODY,
) -> bytes:
    message = replace(inbound(raw), hints=hints, trusted=trusted)
    html = PlainSanitiser()(message.message.html) if message.message.html else None
    accepted = acceptance(message, **(changes or {}))
    return render_body(mailbox, message, html, accepted, options)


def data(
    raw: bytes,
    *,
    options: BodyOptions = OPTIONS,
    changes: Mapping[str, Any] | None = None,
    hints: SourceHints = NO_HINTS,
    trusted: TrustedServers = NOBODY,
) -> Json:
    """What is in the body, which is valid and fits."""
    body = rendered(raw, options=options, changes=changes, hints=hints, trusted=trusted)
    assert len(body) <= options.max_body
    parsed: Json = json.loads(body)
    assert_valid(parsed)
    content: Json = parsed["data"]
    return content


def assert_valid(body: Json) -> None:
    """By the schema that is published, with no property beside those that it names."""
    error = next(_validator().iter_errors(body), None)
    assert error is None, f"{list(error.absolute_path)}: {error.message[:200]}"


@cache
def _validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    schema = handover_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _closed(part: Any) -> Any:  # noqa: ANN401 - any part of JSON
    match part:
        case {"properties": dict(properties), **beside}:
            within = {name: _closed(each) for name, each in properties.items()}
            return {
                **{name: _closed(each) for name, each in beside.items()},
                "properties": within,
                "additionalProperties": False,
            }
        case dict():
            return {name: _closed(each) for name, each in part.items()}
        case _:
            return part
