"""A push: a signed POST, with the message wrapped in JSON or as the body itself.

Sources: https://cloud.google.com/pubsub/docs/push and …/payload-unwrapping.
"""

import httpx

from postroom.entrypoints.emulators.gmail.subscriptions import PubSubMessage, PushSubscription
from postroom.entrypoints.emulators.gmail.wire import Json, base64url, timestamp

ACKNOWLEDGED = {102, 200, 201, 202, 204}


def envelope(
    subscription: PushSubscription, message: PubSubMessage, attempt: int | None = None
) -> Json:
    """The message as it is wrapped; its id and time stand in it twice."""
    published_at = timestamp(message.published_at)
    body: Json = {
        "message": {
            "attributes": {},
            "data": base64url(message.data),
            "messageId": message.id,
            "message_id": message.id,
            "publishTime": published_at,
            "publish_time": published_at,
        },
        "subscription": subscription.name,
    }
    return body if attempt is None else body | {"deliveryAttempt": attempt}


async def post(
    client: httpx.AsyncClient,
    subscription: PushSubscription,
    message: PubSubMessage,
    token: str,
    *,
    attempt: int | None = None,
) -> int:
    """The answer's status, or 0 if there was none within the ack deadline."""
    headers = {"Authorization": f"Bearer {token}"}
    if subscription.with_metadata:
        headers |= _metadata(subscription, message)
    if subscription.unwrapped:
        request = client.build_request(
            "POST", subscription.endpoint, content=message.data, headers=headers
        )
    else:
        body = envelope(subscription, message, attempt)
        request = client.build_request("POST", subscription.endpoint, json=body, headers=headers)
    request.extensions["timeout"] = httpx.Timeout(subscription.ack_seconds).as_dict()
    try:
        answer = await client.send(request)
    except httpx.RequestError:
        return 0
    return answer.status_code


def _metadata(subscription: PushSubscription, message: PubSubMessage) -> dict[str, str]:
    return {
        "x-goog-pubsub-subscription-name": subscription.name,
        "x-goog-pubsub-message-id": message.id,
        "x-goog-pubsub-publish-time": timestamp(message.published_at),
    }
