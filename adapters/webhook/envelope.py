"""The headers of a call, and the body of a ping.

Sources: Standard Webhooks 1.0.0 (webhook-…); draft-ietf-httpapi-idempotency-key-header-07.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from postroom.adapters.webhook.signing import signatures
from postroom.application.ports import Call
from postroom.domain.handover.application import Application

Headers = Mapping[str, str]


def signed(application: Application, key: str, body: bytes, now: datetime, version: str) -> Headers:
    """What every call has. Raises InvalidSecret."""
    timestamp = str(int(now.timestamp()))
    return {
        "content-type": "application/json; charset=utf-8",
        "accept": "application/json",
        "accept-encoding": "identity",  # what is read is bounded as it comes
        "user-agent": f"Postroom/{version}",
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatures(
            application.secrets_at(now), message_id=key, timestamp=timestamp, body=body
        ),
        "idempotency-key": f'"{key}"',
    }


def of_event(call: Call) -> Headers:
    """What the call of an event has as well."""
    return {
        "postroom-attempt": str(call.handover.fence),
        "postroom-unsure": str(call.handover.unsure),
    }


def of_call(call: Call, content_token: str) -> Headers:
    """What the call of a message has as well."""
    headers = {**of_event(call), "postroom-content-token": content_token}
    return headers | ({"traceparent": call.traceparent} if call.traceparent else {})


def shown(headers: Headers) -> Headers:
    """*headers* for a person: without what proves that a call is ours, or opens a link."""
    count = len(headers["webhook-signature"].split())
    return {
        **headers,
        "webhook-signature": " ".join(["v1,…"] * count),
        **({"postroom-content-token": "v1.…"} if "postroom-content-token" in headers else {}),
    }


def ping(application: Application, now: datetime) -> tuple[str, bytes]:
    """The key of a ping, which is its own, and the body."""
    key = f"ping_{uuid4().hex}"
    body = {
        "type": "postroom.ping",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}Z",
        "data": {"version": 1, "key": key, "application": application.name},
    }
    return key, json.dumps(body).encode()
