"""The endpoints of subscriptions. An application sees its own alone."""

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath
from litestar.response import Stream

from postroom.entrypoints.emulators.graph.backend import Backend
from postroom.entrypoints.emulators.graph.calls import (
    Answer,
    Call,
    TheBackend,
    TheCaller,
    answer,
    no_content,
    preferences,
    url_of,
)
from postroom.entrypoints.emulators.graph.directory import IssuedToken
from postroom.entrypoints.emulators.graph.faults import Cut, Stall
from postroom.entrypoints.emulators.graph.subscriptions import Subscription
from postroom.entrypoints.emulators.graph.wire import Json


@post("/v1.0/subscriptions", status_code=201)
async def create_subscription(request: Call, backend: TheBackend, caller: TheCaller) -> Answer:
    fault = backend.faults.meet(("graph", "subscriptions"))
    made = await backend.subscriptions.create(
        await request.body(),
        directory=caller.directory,
        client_id=caller.client_id,
        immutable=preferences(request).immutable,
        person=caller.user,
    )
    return _show(request, backend, made, fault, status=201)


@get("/v1.0/subscriptions")
async def list_subscriptions(request: Call, backend: TheBackend, caller: TheCaller) -> Answer:
    fault = backend.faults.meet(("graph", "subscriptions"))
    here, token = backend.subscriptions.page(
        caller.client_id, request.query_params.get("$skiptoken", "")
    )
    url = url_of(request, "subscriptions")
    body: Json = {
        "@odata.context": url_of(request, "$metadata#subscriptions"),
        "value": [each.body() for each in here],
    }
    if token:
        body["@odata.nextLink"] = f"{url}?$skiptoken={token}"
    return answer(backend, body, fault)


@get("/v1.0/subscriptions/{subscription:str}")
async def get_subscription(
    request: Call, subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Answer:
    found, fault = _own(backend, caller, subscription)
    return _show(request, backend, found, fault)


@patch("/v1.0/subscriptions/{subscription:str}")
async def renew_subscription(
    request: Call, subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Answer:
    found, fault = _own(backend, caller, subscription)
    await backend.subscriptions.renew(found, await request.body())
    return _show(request, backend, found, fault)


@post("/v1.0/subscriptions/{subscription:str}/reauthorize", status_code=200)
async def reauthorize_subscription(
    subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Response[None] | Stream:
    """It authorises anew; the expiry stays as it is."""
    found, fault = _own(backend, caller, subscription)
    found.paused = False
    return no_content(backend, fault)


@delete("/v1.0/subscriptions/{subscription:str}", status_code=200)
async def delete_subscription(
    subscription: FromPath[str], backend: TheBackend, caller: TheCaller
) -> Response[None] | Stream:
    _, fault = _own(backend, caller, subscription)
    backend.subscriptions.delete(subscription)
    return no_content(backend, fault)


def _own(
    backend: Backend, caller: IssuedToken, subscription_id: str
) -> tuple[Subscription, Stall | Cut | None]:
    fault = backend.faults.meet(("graph", "subscriptions", subscription_id))
    return backend.subscriptions.get(subscription_id, caller.client_id), fault


def _show(
    request: Call,
    backend: Backend,
    subscription: Subscription,
    fault: Stall | Cut | None,
    *,
    status: int = 200,
) -> Answer:
    context = {"@odata.context": url_of(request, "$metadata#subscriptions", "$entity")}
    return answer(backend, context | subscription.body(), fault, status=status)


SUBSCRIPTIONS = (
    create_subscription,
    delete_subscription,
    get_subscription,
    list_subscriptions,
    reauthorize_subscription,
    renew_subscription,
)
