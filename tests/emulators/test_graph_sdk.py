"""Microsoft's own client for Python finds in the emulator what it finds in Graph."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import (
    DeltaRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.item.messages.messages_request_builder import (
    MessagesRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.mail_folders_request_builder import (
    MailFoldersRequestBuilder,
)
from msgraph.generated.users.item.messages.item.message_item_request_builder import (
    MessageItemRequestBuilder,
)
from msgraph.generated.users.item.messages.item.move.move_post_request_body import (
    MovePostRequestBody,
)
from msgraph.graph_service_client import GraphServiceClient

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from postroom.entrypoints.emulators.loopback import issue_certificate, serve
from tests.emulators.graph_rig import HOOK, IMMUTABLE, RAW, USER, SubscribedFolder, graph_rig
from tests.emulators.graph_sdk import IssuedCredential, asking, graph_sdk


@dataclass
class Rig:
    graph: GraphEmulator
    sdk: GraphServiceClient
    receiver: SubscribedFolder

    @property
    def user(self) -> Any:  # noqa: ANN401 - the SDK's types are not read
        return self.sdk.users.by_user_id(USER)

    @property
    def inbox(self) -> Any:  # noqa: ANN401
        return self.user.mail_folders.by_mail_folder_id("inbox")


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as plain:
        credential = IssuedCredential(plain.graph, clock)
        async with graph_sdk(plain.graph.app, credential) as sdk:
            yield Rig(plain.graph, sdk, plain.receiver)


# --- Sign-in ------------------------------------------------------------------------------------


@pytest.fixture
async def login(rig: Rig, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """How azure-identity is told to sign in at the emulator, which it does over TLS only."""
    certificate = issue_certificate(tmp_path / "loopback.pem")
    async with serve(rig.graph.app, certificate=certificate) as url:
        yield {
            "authority": url,
            "disable_instance_discovery": True,
            "connection_verify": str(certificate),
        }


async def test_the_sdk_reads_mail_with_a_token_that_azure_identity_was_given(
    rig: Rig, login: dict[str, Any]
) -> None:
    message = rig.graph.deliver(USER, RAW)

    async with (
        ClientSecretCredential(DIRECTORY, CLIENT_ID, CLIENT_SECRET, **login) as credential,
        graph_sdk(rig.graph.app, credential) as sdk,
    ):
        read = sdk.users.by_user_id(USER).messages.by_message_id(message).content
        assert await read.get(asking(**IMMUTABLE)) == RAW

    assert rig.graph.token_requests == 1


async def test_azure_identity_understands_why_a_sign_in_is_refused(
    rig: Rig, login: dict[str, Any]
) -> None:
    async with ClientSecretCredential(DIRECTORY, CLIENT_ID, "wrong", **login) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            await credential.get_token("https://graph.microsoft.com/.default")


# --- Folders ------------------------------------------------------------------------------------


async def test_the_sdk_lists_the_folders_page_by_page(rig: Rig) -> None:
    rig.graph.deliver(USER, RAW)
    rig.graph.add_folder(USER, "Orders/Open")
    parameters = MailFoldersRequestBuilder.MailFoldersRequestBuilderGetQueryParameters(top=4)

    pages = [await rig.user.mail_folders.get(asking(parameters))]
    while link := pages[-1].odata_next_link:
        pages.append(await rig.user.mail_folders.with_url(link).get())

    folders = {each.display_name: each for page in pages for each in page.value}
    assert [len(page.value) for page in pages] == [4, 4, 1]
    assert set(folders) >= {"Inbox", "Sent Items", "Junk Email", "Deleted Items", "Orders"}
    assert (folders["Inbox"].total_item_count, folders["Inbox"].unread_item_count) == (1, 1)
    assert folders["Orders"].child_folder_count == 1


async def test_the_sdk_finds_a_folder_by_its_well_known_name_and_those_below_it(rig: Rig) -> None:
    made = rig.graph.add_folder(USER, "Inbox/Orders")

    inbox = await rig.inbox.get()
    below = await rig.inbox.child_folders.get()
    by_id = await rig.user.mail_folders.by_mail_folder_id(made).get()

    assert inbox.display_name == "Inbox"
    assert [(each.id, each.parent_folder_id) for each in below.value] == [(made, inbox.id)]
    assert by_id.display_name == "Orders"


# --- Messages -----------------------------------------------------------------------------------


async def test_the_sdk_reads_what_it_selects_of_a_message(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    parameters = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
        select=["receivedDateTime", "subject"]
    )

    read = await rig.user.messages.by_message_id(message).get(asking(parameters, **IMMUTABLE))

    assert (read.id, read.subject) == (message, "Grüße")
    assert read.received_date_time == datetime(2030, 1, 1, tzinfo=UTC)
    assert read.internet_message_id is None


async def test_the_sdk_moves_a_message_whose_default_id_then_ends(rig: Rig) -> None:
    message = rig.graph.deliver(USER, RAW)
    before = rig.graph.default_id(message)

    moved = await rig.user.messages.by_message_id(before).move.post(
        MovePostRequestBody(destination_id="archive")
    )

    with pytest.raises(ODataError) as refused:
        await rig.user.messages.by_message_id(before).get()
    assert (refused.value.response_status_code, refused.value.error.code) == (
        404,
        "ErrorItemNotFound",
    )
    assert moved.id == rig.graph.default_id(message) != before
    assert (await rig.user.messages.by_message_id(moved.id).get()).subject == "Grüße"
    assert await rig.user.messages.by_message_id(message).content.get(asking(**IMMUTABLE)) == RAW


async def test_the_sdk_lists_the_messages_of_a_window_of_time_page_by_page(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    clock.advance(timedelta(hours=1))
    wanted = []
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        wanted.append(rig.graph.deliver(USER, RAW))
    parameters = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
        filter="receivedDateTime ge 2030-01-01T00:30:00Z",
        orderby=["receivedDateTime asc"],
        select=["id"],
        top=2,
    )

    first = await rig.inbox.messages.get(asking(parameters, **IMMUTABLE))
    second = await rig.inbox.messages.with_url(first.odata_next_link).get(asking(**IMMUTABLE))

    assert [each.id for each in first.value] == wanted[:2]
    assert [each.id for each in second.value] == wanted[2:]
    assert second.odata_next_link is None


# --- Delta --------------------------------------------------------------------------------------


async def test_the_sdk_follows_a_folder_through_the_pages_of_delta_rounds(rig: Rig) -> None:
    old = [rig.graph.deliver(USER, RAW) for _ in range(3)]
    prefer = asking(
        DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=["receivedDateTime"]),
        Prefer='IdType="ImmutableId", odata.maxpagesize=2',
    )
    delta = rig.inbox.messages.delta

    first = await delta.get(prefer)
    second = await delta.with_url(first.odata_next_link).get(asking(**IMMUTABLE))
    assert first.odata_delta_link is None
    assert [each.id for page in (first, second) for each in page.value] == old
    assert first.value[0].internet_message_id is None
    rig.graph.delete(old[0])
    new = rig.graph.deliver(USER, RAW)
    third = await delta.with_url(second.odata_delta_link).get(asking(**IMMUTABLE))

    removed, created = third.value
    assert (removed.id, removed.additional_data["@removed"]) == (old[0], {"reason": "deleted"})
    assert (created.id, created.additional_data.get("@removed")) == (new, None)
    nothing = await delta.with_url(third.odata_delta_link).get(asking(**IMMUTABLE))
    assert nothing.value == []


async def test_the_sdk_is_told_that_a_delta_token_has_expired(rig: Rig) -> None:
    rig.graph.deliver(USER, RAW)
    delta = rig.inbox.messages.delta
    link = (await delta.get()).odata_delta_link
    rig.graph.expire_delta_tokens()

    with pytest.raises(ODataError) as refused:
        await delta.with_url(link).get()

    assert refused.value.response_status_code == 410
    assert refused.value.error.code == "SyncStateNotFound"


# --- Subscriptions ------------------------------------------------------------------------------


def subscription(clock: ManualClock, **changes: str) -> Subscription:
    return Subscription(
        change_type="created",
        client_state="a secret",
        expiration_date_time=clock.now() + timedelta(days=3),
        lifecycle_notification_url=f"{HOOK}/lifecycle",
        notification_url=HOOK,
        resource=changes.get("resource", f"/users/{USER}/mailFolders('inbox')/messages"),
    )


async def test_the_sdk_creates_lists_renews_reauthorises_and_deletes_a_subscription(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    until = clock.now() + timedelta(days=6)

    made = await rig.sdk.subscriptions.post(subscription(clock), asking(**IMMUTABLE))
    mine = rig.sdk.subscriptions.by_subscription_id(made.id)
    renewed = await mine.patch(Subscription(expiration_date_time=until))
    await mine.reauthorize.post()
    listed = await rig.sdk.subscriptions.get()
    await mine.delete()

    assert len(rig.receiver.handshakes) == 2
    assert (made.client_state, made.application_id) == ("a secret", CLIENT_ID)
    assert renewed.expiration_date_time == until
    assert [(each.id, each.expiration_date_time) for each in listed.value] == [(made.id, until)]
    assert (await rig.sdk.subscriptions.get()).value == []


async def test_the_sdk_follows_the_pages_of_the_list_of_subscriptions(
    rig: Rig, clock: ManualClock
) -> None:
    users = [f"user{number}@example.org" for number in range(25)]
    for user in users:
        rig.graph.deliver(user, RAW)
        await rig.sdk.subscriptions.post(subscription(clock, resource=f"users/{user}/messages"))

    pages = [await rig.sdk.subscriptions.get()]
    while link := pages[-1].odata_next_link:
        pages.append(await rig.sdk.subscriptions.with_url(link).get())

    assert [each.resource for page in pages for each in page.value] == [
        f"users/{user}/messages" for user in users
    ]
    assert len(pages) == 2


# --- Refusals -----------------------------------------------------------------------------------


async def test_the_sdk_is_told_which_subscription_is_in_the_way_of_a_second(
    rig: Rig, clock: ManualClock
) -> None:
    rig.graph.deliver(USER, RAW)
    first = await rig.sdk.subscriptions.post(subscription(clock))

    with pytest.raises(ODataError) as refused:
        await rig.sdk.subscriptions.post(subscription(clock))

    assert refused.value.response_status_code == 409
    assert first.id in refused.value.error.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "InvalidAuthenticationToken"),
        (403, "ErrorAccessDenied"),
        (404, "MailboxNotEnabledForRESTAPI"),
        (500, "InternalServerError"),
    ],
)
async def test_the_sdk_reads_an_error_with_its_code_and_what_graph_adds(
    rig: Rig, status: int, code: str
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.fail(USER, status=status, code=code)

    with pytest.raises(ODataError) as refused:
        await rig.user.messages.by_message_id(message).get(asking(**IMMUTABLE))

    error = refused.value.error
    assert (refused.value.response_status_code, error.code) == (status, code)
    assert error.message
    assert error.inner_error.date == datetime(2030, 1, 1)  # noqa: DTZ001 - Graph's has no zone
    UUID(error.inner_error.request_id)
    assert (
        error.inner_error.client_request_id == rig.graph.requests[-1].headers["client-request-id"]
    )


async def test_the_sdk_is_told_how_long_it_is_throttled(
    rig: Rig,
) -> None:
    message = rig.graph.deliver(USER, RAW)
    rig.graph.throttle(USER, retry_after="300")

    with pytest.raises(ODataError) as refused:
        await rig.user.messages.by_message_id(message).get(asking(**IMMUTABLE))

    assert refused.value.error.code == "ApplicationThrottled"
    assert refused.value.response_headers["Retry-After"] == "300"
