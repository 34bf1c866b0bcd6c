"""Pushes of Pub/Sub, with tokens that the emulator signs."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import WebhookRequest
from postroom.domain.account import Secret
from postroom.entrypoints.emulators.gmail.keys import SigningKey, signing_key
from tests.adapters.push_rig import AUDIENCE, PUSHER, Google
from tests.contracts.notification_reader.stage import (
    GUESS,
    SECRET,
    WRONG,
    Stage,
    encoded,
    spoiled,
)
from tests.contracts.samples import google_mailbox

ANOTHER = "another@project.iam.gserviceaccount.com"


class Gmail(Stage):
    """SECRET is in each of its tokens: none may be shown, whether it proves anything or not."""

    subscription = "projects/acme/subscriptions/postroom"
    account = GoogleAccount(
        service_account=Secret("{}"), pubsub_subscription=subscription, push_service_account=PUSHER
    )
    mailbox = replace(google_mailbox(), account=account)
    pointer = GooglePointer
    is_known_first = True

    def __init__(self, google: Google) -> None:
        self._google = google
        self.reader = GmailNotificationReader(google.verify, {PUSHER, ANOTHER})

    def content(self) -> Any:  # noqa: ANN401 - JSON
        return self._around(encoded(self._change()))

    def _change(self) -> Any:  # noqa: ANN401 - JSON
        return {"emailAddress": self.mailbox.address, "historyId": "9876543210"}

    def _around(self, data: bytes) -> Any:  # noqa: ANN401 - JSON
        message = {"data": base64.b64encode(data).decode(), "messageId": "2070443601311540"}
        return {"message": message, "subscription": self.subscription}

    def bodies_with(self, junk: str) -> Sequence[bytes]:
        inside = [encoded(self._around(each)) for each in spoiled(self._change(), junk)]
        return [*super().bodies_with(junk), *inside]

    def sent(self, body: bytes) -> WebhookRequest:
        return self._with(f"Bearer {self._google.token(nonce=SECRET)}", body)

    def _with(self, authorization: str, body: bytes | None = None) -> WebhookRequest:
        body = encoded(self.content()) if body is None else body
        return WebhookRequest("", {"authorization": authorization}, {}, body)

    def forged(self) -> Sequence[WebhookRequest]:
        tokens = [*self._wrong_claims(), *self._wrong_signatures(), "x" * 100_000]
        return [self._with(""), *(self._with(f"Bearer {each}") for each in [*WRONG, *tokens])]

    def _wrong_claims(self) -> Sequence[str]:
        wrong: Sequence[dict[str, object]] = (
            {"aud": f"{AUDIENCE}/{GUESS}"},
            {"aud": [AUDIENCE]},
            {"iss": f"https://{GUESS}.example"},
            {"exp": 1},
            {"nbf": 2**40},
            {"email": f"{GUESS}@elsewhere.iam.gserviceaccount.com"},
            {"email_verified": False},
            {"email_verified": "true"},
        )
        return [self._google.token(nonce=SECRET, **each) for each in wrong]

    def _wrong_signatures(self) -> Sequence[str]:
        head, payload, _ = self._google.token(nonce=SECRET).split(".")
        key = self._google.emulator.pubsub.key
        claims = {"aud": AUDIENCE, "email": PUSHER, "nonce": GUESS}
        unknown = replace(key, id="unknown").sign(claims)
        foreign = replace(signing_key("a stranger"), id=key.id).sign(claims)
        return [unknown, foreign, *_other_algorithms(key, payload), f"{head}.{payload}."]

    def of_another(self) -> Sequence[WebhookRequest]:
        return [self._with(f"Bearer {self._google.token(email=ANOTHER)}")]

    def never_sent(self) -> Sequence[bytes]:
        said = self._change()
        spoiled = [
            *({**said, "historyId": each} for each in ("text", 0, "0", -1, 2**64, 1.5, None)),
            *({**said, "emailAddress": each} for each in ("", "nobody@acme.example", None)),
            {"emailAddress": said["emailAddress"]},
            {"historyId": said["historyId"]},
        ]
        messages = ({}, {"attributes": {}}, *({"data": each} for each in ("", "*", "bäse64", "A")))
        return [
            *(encoded(self._around(encoded(each))) for each in spoiled),
            *(encoded({**self.content(), "message": each}) for each in messages),
            encoded({**self.content(), "subscription": "projects/acme/subscriptions/other"}),
            encoded(said),  # unwrapped
        ]


def _other_algorithms(key: SigningKey, payload: str) -> Sequence[str]:
    """A token of no algorithm, and one of HMAC by what anybody can read of *key*."""
    none, hs256 = (_unpadded(encoded({"alg": each, "kid": key.id})) for each in ("none", "HS256"))
    signed = f"{hs256}.{payload}"
    signature = hmac.new(key.certificate.encode(), signed.encode(), hashlib.sha256).digest()
    return [f"{none}.{payload}.", f"{signed}.{_unpadded(signature)}"]


def _unpadded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
