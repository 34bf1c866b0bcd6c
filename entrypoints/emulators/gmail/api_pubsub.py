"""Pub/Sub's REST: what can be done with topics and subscriptions, and with which right.

Sources: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions and
…/projects.topics.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from litestar import HttpMethod, route
from litestar.params import FromPath

from postroom.entrypoints.emulators.gmail import pubsub_subscriptions as subscriptions
from postroom.entrypoints.emulators.gmail import pubsub_topics as topics
from postroom.entrypoints.emulators.gmail.calls import Call, TheBackend, json_body
from postroom.entrypoints.emulators.gmail.pubsub import PubSub
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.wire import GoogleError, Json

_PATH = "/v1/projects/{project:str}"


@dataclass(frozen=True)
class _Act:
    """*fields* are those that the body may have; none are all that the resource has."""

    right: str
    do: Callable[[PubSub, str, Json], Coroutine[Any, Any, Json]]
    fields: tuple[str, ...] | None = ()


_ACTS = {
    ("GET", "topics.get"): _Act("pubsub.topics.get", topics.get),
    ("PUT", "topics.create"): _Act("pubsub.topics.create", topics.create, None),
    ("DELETE", "topics.delete"): _Act("pubsub.topics.delete", topics.delete),
    ("GET", "topics.getIamPolicy"): _Act("pubsub.topics.getIamPolicy", topics.get_policy),
    ("POST", "topics.publish"): _Act("pubsub.topics.publish", topics.publish, ("messages",)),
    ("GET", "subscriptions.get"): _Act("pubsub.subscriptions.get", subscriptions.get),
    ("PUT", "subscriptions.create"): _Act(
        "pubsub.subscriptions.create", subscriptions.create, None
    ),
    ("DELETE", "subscriptions.delete"): _Act("pubsub.subscriptions.delete", subscriptions.delete),
    ("POST", "subscriptions.pull"): _Act(
        CONSUME, subscriptions.pull, ("maxMessages", "returnImmediately")
    ),
    ("POST", "subscriptions.acknowledge"): _Act(CONSUME, subscriptions.acknowledge, ("ackIds",)),
    ("POST", "subscriptions.modifyAckDeadline"): _Act(
        CONSUME, subscriptions.modify_ack_deadline, ("ackIds", "ackDeadlineSeconds")
    ),
}
_UNNAMED = {"GET": "get", "PUT": "create", "DELETE": "delete"}


@route(
    [f"{_PATH}/topics/{{name:str}}", f"{_PATH}/subscriptions/{{name:str}}"],
    http_method=[HttpMethod.DELETE, HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT],
    status_code=200,
)
async def act(
    request: Call, project: FromPath[str], name: FromPath[str], backend: TheBackend
) -> Json:
    kind = request.url.path.split("/")[4]
    name, _, verb = name.partition(":")
    method = f"{kind}.{verb or _UNNAMED.get(request.method, '')}"
    resource, rights = f"projects/{project}/{kind}/{name}", backend.pubsub.rights
    backend.meet(request, method)
    caller = backend.caller(request)
    if verb == "testIamPermissions":
        wanted = (await json_body(request, ["permissions"])).get("permissions", [])
        return {"permissions": [each for each in wanted if rights.has(caller, each, resource)]}
    if not (known := _ACTS.get((request.method, method))):
        raise GoogleError(404, message="The requested URL was not found on this server.")
    rights.check(caller, known.right, resource)
    return await known.do(backend.pubsub, resource, await json_body(request, known.fields))


PUBSUB = [act]
