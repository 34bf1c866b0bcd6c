"""Pub/Sub's push: a signed POST, sent again until it is acknowledged.

Sources: https://cloud.google.com/pubsub/docs/push and …/authenticate-push-subscriptions.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from postroom.adapters.clock import SystemClock
from postroom.entrypoints.emulators.gmail.identity import SigningKey, signing_key
from postroom.entrypoints.emulators.gmail.wire import Json, base64url

ACKNOWLEDGED = {102, 200, 201, 202, 204}
TOKEN_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class PushSubscription:
    """*identity* is the service account that signs; *audience* is the endpoint if left empty."""

    endpoint: str
    identity: str = "pusher@project.iam.gserviceaccount.com"
    name: str = "projects/project/subscriptions/gmail"
    audience: str = ""
    dead_letters: bool = False


class PubSub:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.key = signing_key("push 1")
        self._client = client
        self._keys = itertools.count(2)
        self._message_ids = itertools.count(2_070_443_601_311_540)

    def rotate_key(self) -> None:
        """Sign with a new key from now on; the old certificate is no longer served."""
        self.key = signing_key(f"push {next(self._keys)}")

    def certificates(self) -> dict[str, str]:
        return {self.key.id: self.key.certificate}

    def token(
        self,
        subscription: PushSubscription,
        claims: Mapping[str, object] | None = None,
        *,
        key: SigningKey | None = None,
    ) -> str:
        """A token as Google signs it, except for *claims*. The verifier's clock is the host's."""
        now = SystemClock().now()
        payload: Json = {
            "aud": subscription.audience or subscription.endpoint,
            "azp": "113774264463038321964",
            "email": subscription.identity,
            "email_verified": True,
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "iat": int(now.timestamp()),
            "iss": "https://accounts.google.com",
            "sub": "113774264463038321964",
        }
        return (key or self.key).sign(payload | dict(claims or {}))

    def envelope(self, subscription: PushSubscription, address: str, history_id: int | str) -> Json:
        """A notification as Pub/Sub wraps it; ids and times stand in it twice."""
        data = json.dumps({"emailAddress": address, "historyId": history_id}).encode()
        message_id = str(next(self._message_ids))
        published_at = f"{SystemClock().now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        return {
            "message": {
                "attributes": {},
                "data": base64url(data),
                "messageId": message_id,
                "message_id": message_id,
                "publishTime": published_at,
                "publish_time": published_at,
            },
            "subscription": subscription.name,
        }

    async def deliver(
        self, subscription: PushSubscription, envelope: Json, token: str, attempts: int
    ) -> tuple[int, ...]:
        """Push until it is acknowledged, *attempts* times at the most; gives every status.

        The waits between (100 ms to 60 s in Pub/Sub) are left out.
        """
        statuses: list[int] = []
        while len(statuses) < attempts and not ACKNOWLEDGED.intersection(statuses):
            body = dict(envelope)
            if subscription.dead_letters:
                body["deliveryAttempt"] = len(statuses) + 1
            answer = await self._client.post(
                subscription.endpoint, json=body, headers={"Authorization": f"Bearer {token}"}
            )
            statuses.append(answer.status_code)
        return tuple(statuses)
