"""Access in a person's name: refresh tokens that change with use, and workers that share them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.microsoft.account import ClientSecret, DelegatedAccess, MicrosoftAccount
from postroom.adapters.microsoft.fetcher import GraphFetcher
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.tokens import EntraTokens
from postroom.application.ports import FetchedMessage
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, SourceGone, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.graph import CLIENT_SECRET
from tests.adapters.graph_rig import RAW, USER
from tests.adapters.login_rig import PERSON, Login, opened_by

HOUR = timedelta(hours=1)


async def signed_in(login: Login) -> Mailbox:
    """A mailbox in the registry, whose person has just signed in."""
    mailbox = opened_by(DelegatedAccess(Secret(login.graph.consent(PERSON))))
    await login.registry.add(mailbox)
    return mailbox


def refresh_token(mailbox: Mailbox | None) -> str:
    assert mailbox
    assert isinstance(mailbox.account, MicrosoftAccount)
    assert isinstance(mailbox.account.credentials, DelegatedAccess)
    return mailbox.account.credentials.refresh_token.value


async def stored(login: Login) -> str:
    return refresh_token(await login.registry.get("acme", "support"))


async def test_a_refresh_token_opens_the_mailboxes_of_the_person(login: Login) -> None:
    mailbox = await signed_in(login)

    token = await login.tokens().get(mailbox)

    assert login.graph.accepts(token)
    [scopes] = login.graph.scopes
    assert {f"{login.url}/Mail.Read", f"{login.url}/Mail.Read.Shared"} < set(scopes.split())
    assert "offline_access" in scopes.split()


async def test_a_refresh_token_that_comes_in_return_is_kept(login: Login) -> None:
    mailbox = await signed_in(login)
    first = refresh_token(mailbox)

    await login.tokens().get(mailbox)

    second = await stored(login)
    assert second != first
    login.graph.revoke_refresh_token(first)
    assert await login.tokens().get(mailbox)  # another worker, that read the mailbox before
    assert await stored(login) not in {first, second}


async def test_who_has_signed_in_stays_noted_with_another_refresh_token(login: Login) -> None:
    token = Secret(login.graph.consent(PERSON))
    mailbox = opened_by(DelegatedAccess(token, "object-1", PERSON))
    await login.registry.add(mailbox)

    await login.tokens().get(mailbox)

    registered = await login.registry.get("acme", "support")
    assert registered
    assert isinstance(registered.account, MicrosoftAccount)
    assert registered.account.credentials == DelegatedAccess(
        Secret(await stored(login)), "object-1", PERSON
    )
    assert await stored(login) != token.value


async def test_a_worker_goes_on_with_what_another_has_kept(login: Login) -> None:
    mailbox = await signed_in(login)
    ours, theirs = login.tokens(), login.tokens()
    await ours.get(mailbox)
    await theirs.get(mailbox)
    login.graph.revoke_refresh_token(refresh_token(mailbox))
    login.clock.advance(HOUR)

    assert await ours.get(mailbox) != await theirs.get(mailbox)


class ReadTogether(InMemoryMailboxRegistry):
    """Gives the mailbox to nobody before two have asked for it."""

    def __init__(self, database: InMemoryDatabase) -> None:
        super().__init__(database)
        self._both = asyncio.Barrier(2)

    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        found = await super().get(tenant, mailbox_id)
        await self._both.wait()
        return found


async def test_workers_that_renew_at_once_keep_one_token_and_both_go_on(login: Login) -> None:
    database = InMemoryDatabase()
    login = replace(login, registry=InMemoryMailboxRegistry(database))
    mailbox = await signed_in(login)
    both = replace(login, registry=ReadTogether(database))

    tokens = await asyncio.gather(*(both.tokens().get(mailbox) for _ in range(2)))

    assert len(set(tokens)) == 2
    assert all(map(login.graph.accepts, tokens))
    assert await stored(login) in login.graph.refresh_tokens
    assert await stored(login) != refresh_token(mailbox)


async def test_many_at_a_time_share_one_request(login: Login) -> None:
    mailbox, tokens = await signed_in(login), login.tokens()

    got = await asyncio.gather(*(tokens.get(mailbox) for _ in range(20)))

    assert len(set(got)) == 1
    assert login.graph.token_requests == 1


async def test_mailboxes_of_two_people_do_not_share_tokens(login: Login) -> None:
    mailbox, tokens = await signed_in(login), login.tokens()
    other = replace(
        opened_by(DelegatedAccess(Secret(login.graph.consent("boss@example.org")))), id="boss"
    )

    assert await tokens.get(mailbox) != await tokens.get(other)


async def test_a_mailbox_that_is_not_added_yet_is_opened_as_it_is(login: Login) -> None:
    mailbox = opened_by(DelegatedAccess(Secret(login.graph.consent(PERSON))))

    assert login.graph.accepts(await login.tokens().get(mailbox))
    assert await login.registry.all() == []


async def test_without_a_registry_a_mailbox_is_opened_as_it_is_given(login: Login) -> None:
    mailbox = await signed_in(login)
    other = opened_by(DelegatedAccess(Secret(login.graph.consent(PERSON))))
    login.graph.revoke_refresh_token(refresh_token(mailbox))

    assert await EntraTokens(login.entra(), None, login.clock).get(other)
    assert await stored(login) == refresh_token(mailbox)


async def test_credentials_of_another_kind_that_were_set_meanwhile_are_used(login: Login) -> None:
    mailbox = await signed_in(login)
    other = opened_by(ClientSecret(Secret(CLIENT_SECRET)))
    await login.registry.replace_account(mailbox, other.account)

    assert await login.tokens().get(mailbox)
    assert login.graph.scopes == [f"{login.url}/.default"]


# --- Failures -----------------------------------------------------------------------------------


async def test_a_grant_that_was_revoked_is_a_matter_of_access(login: Login) -> None:
    mailbox = await signed_in(login)
    login.graph.revoke_refresh_token(refresh_token(mailbox))

    with pytest.raises(AccessFailed) as raised:
        await login.tokens().get(mailbox)

    assert raised.value.reason == "sign-in answered 400 invalid_grant AADSTS50173"
    assert await stored(login) == refresh_token(mailbox)


async def test_an_application_that_is_no_public_client_is_a_matter_of_access(login: Login) -> None:
    mailbox = await signed_in(login)
    login.graph.refuse_public_clients()

    with pytest.raises(AccessFailed, match="401 invalid_client AADSTS7000218"):
        await login.tokens().get(mailbox)


@pytest.mark.parametrize(
    ("status", "wait", "failure"),
    [
        (429, "17", Throttled),
        (503, "17", Throttled),
        (429, "", Throttled),
        (500, "", Unavailable),
    ],
)
async def test_a_login_in_trouble_costs_no_refresh_token(
    login: Login, status: int, wait: str, failure: type[Exception]
) -> None:
    mailbox, tokens = await signed_in(login), login.tokens()
    login.graph.fail("login", status=status, retry_after=wait)

    with pytest.raises(failure):
        await tokens.get(mailbox)

    assert await stored(login) == refresh_token(mailbox)
    login.clock.advance(timedelta(seconds=2))
    assert await tokens.get(mailbox)


# --- A shared mailbox ---------------------------------------------------------------------------


async def fetched(login: Login, mailbox: Mailbox, message: str) -> FetchedMessage:
    async with login.client() as client:
        fetcher = GraphFetcher(client, login.clock)
        return await fetcher.fetch(mailbox, MicrosoftPointer("s", message))


async def test_a_message_of_a_shared_mailbox_is_fetched_by_the_name_of_the_mailbox(
    login: Login,
) -> None:
    mailbox, message = await signed_in(login), login.graph.deliver(USER, RAW)

    assert (await fetched(login, mailbox, message)).raw == RAW

    [request] = login.graph.requests
    assert request.path.startswith(f"/v1.0/users/{quote(USER)}/messages/")


async def test_a_message_that_is_gone_is_gone_while_the_mailbox_can_be_read(login: Login) -> None:
    mailbox, message = await signed_in(login), login.graph.deliver(USER, RAW)
    login.graph.delete(message)

    with pytest.raises(SourceGone):
        await fetched(login, mailbox, message)


async def test_a_mailbox_that_is_no_longer_shared_has_lost_no_message(login: Login) -> None:
    mailbox, message = await signed_in(login), login.graph.deliver(USER, RAW)
    login.graph.fail(USER, status=404, code="ErrorItemNotFound", times=2)

    with pytest.raises(AccessFailed, match="404 ErrorItemNotFound, and the same for the inbox"):
        await fetched(login, mailbox, message)


async def test_a_graph_in_trouble_proves_no_message_gone(login: Login) -> None:
    mailbox, message = await signed_in(login), login.graph.deliver(USER, RAW)
    login.graph.delete(message)
    login.graph.fail("folders", status=503)

    with pytest.raises(Unavailable):
        await fetched(login, mailbox, message)
