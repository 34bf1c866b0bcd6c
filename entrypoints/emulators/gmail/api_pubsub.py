"""Pub/Sub's REST: subscriptions and topics are read, messages pulled and acknowledged.

Sources: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions and
…/projects.topics.
"""

import base64
from collections.abc import Awaitable, Callable

from litestar import get, post
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail.access import Caller
from postroom.entrypoints.emulators.gmail.calls import Backend, Call, TheBackend, json_body
from postroom.entrypoints.emulators.gmail.rights import (
    CONSUME,
    READ_POLICY,
    READ_SUBSCRIPTION,
    READ_TOPIC,
)
from postroom.entrypoints.emulators.gmail.subscriptions import (
    Backlog,
    Delivery,
    PushSubscription,
)
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json, timestamp

PROJECT = "/v1/projects/{project:str}"
LONGEST_LEASE = 600
MOST_MESSAGES = 1000


@get(f"{PROJECT}/topics/{{name:str}}")
async def topic(
    request: Call, project: FromPath[str], name: FromPath[str], backend: TheBackend
) -> Json:
    name, _, verb = name.partition(":")
    resource, caller = f"projects/{project}/topics/{name}", _caller(backend, request)
    if verb == "getIamPolicy":
        backend.faults.meet("topics.getIamPolicy")
        backend.pubsub.rights.check(caller, READ_POLICY, resource)
        return backend.pubsub.topics.get(resource).policy()
    if verb:
        raise _no_method()
    backend.faults.meet("topics.get")
    backend.pubsub.rights.check(caller, READ_TOPIC, resource)
    return backend.pubsub.topics.get(resource).body()


@get(f"{PROJECT}/subscriptions/{{name:str}}")
async def subscription(
    request: Call, project: FromPath[str], name: FromPath[str], backend: TheBackend
) -> Json:
    backend.faults.meet("subscriptions.get")
    resource = f"projects/{project}/subscriptions/{name}"
    backend.pubsub.rights.check(_caller(backend, request), READ_SUBSCRIPTION, resource)
    found = backend.pubsub.backlog(resource).subscription
    gone = found.topic not in backend.pubsub.topics
    return found.body() | ({"topic": "_deleted-topic_"} if gone else {})


@post([f"{PROJECT}/topics/{{name:str}}", f"{PROJECT}/subscriptions/{{name:str}}"], status_code=200)
async def act(
    request: Call, project: FromPath[str], name: FromPath[str], backend: TheBackend
) -> Json:
    kind = request.url.path.split("/")[4]
    name, _, verb = name.partition(":")
    resource, caller = f"projects/{project}/{kind}/{name}", _caller(backend, request)
    backend.faults.meet(f"{kind}.{verb}")
    body = await json_body(request)
    if verb == "testIamPermissions":
        wanted = [str(each) for each in body.get("permissions", [])]
        has = [each for each in wanted if backend.pubsub.rights.has(caller, each, resource)]
        return {"permissions": has} if has else {}
    if kind != "subscriptions" or verb not in _ACTS:
        raise _no_method()
    backend.pubsub.rights.check(caller, CONSUME, resource)
    return await _ACTS[verb](backend, _pulled(backend.pubsub.backlog(resource)), body)


async def _pull(backend: Backend, backlog: Backlog, body: Json) -> Json:
    most = body.get("maxMessages", 0)
    if not isinstance(most, int) or most < 1:
        raise GoogleError(
            400,
            message="The value for max_messages is too small. You passed "
            f"{most} in the request, but the minimum value is 1.",
        )
    seconds = 0 if body.get("returnImmediately") else backend.pubsub.pull_seconds
    pulled = await backend.pubsub.pull(backlog, min(most, MOST_MESSAGES), seconds)
    received = [_received(backlog, each) for each in pulled]
    return {"receivedMessages": received} if received else {}


async def _acknowledge(_: Backend, backlog: Backlog, body: Json) -> Json:
    backlog.acknowledge(_ack_ids(body))
    return {}


async def _modify_ack_deadline(_: Backend, backlog: Backlog, body: Json) -> Json:
    seconds = body.get("ackDeadlineSeconds", 0)
    if not isinstance(seconds, int) or not 0 <= seconds <= LONGEST_LEASE:
        raise GoogleError(
            400,
            message="Invalid ack deadline given for the request: must be between 0 and "
            f"{LONGEST_LEASE}. You passed in {seconds}",
        )
    backlog.extend(_ack_ids(body), seconds)
    return {}


_ACTS: dict[str, Callable[[Backend, Backlog, Json], Awaitable[Json]]] = {
    "pull": _pull,
    "acknowledge": _acknowledge,
    "modifyAckDeadline": _modify_ack_deadline,
}


def _caller(backend: Backend, request: Call) -> Caller:
    try:
        return backend.caller(request)
    except GoogleError as refused:
        raise GoogleError(refused.status, message=refused.message) from None


def _pulled(backlog: Backlog) -> Backlog:
    if isinstance(backlog.subscription, PushSubscription):
        raise GoogleError(
            400,
            message="This method is not supported for this subscription type.",
            state="FAILED_PRECONDITION",
        )
    return backlog


def _received(backlog: Backlog, delivery: Delivery) -> Json:
    message = delivery.message
    received: Json = {
        "ackId": delivery.ack_id,
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.id,
            "publishTime": timestamp(message.published_at),
        },
    }
    if backlog.subscription.dead_letters:
        received["deliveryAttempt"] = delivery.attempts
    return received


def _ack_ids(body: Json) -> list[str]:
    ack_ids = body.get("ackIds")
    if not isinstance(ack_ids, list) or not ack_ids:
        raise GoogleError(400, message="No ack ids specified.")
    return [str(each) for each in ack_ids]


def _no_method() -> GoogleError:
    return GoogleError(404, message="The requested URL was not found on this server.")


PUBSUB = [topic, subscription, act]
