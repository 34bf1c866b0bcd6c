"""Microsoft 365: subscriptions, and notifications that name a message and show a secret."""

import json
from typing import Any

from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import Provider, Unauthenticated
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.domain.subscription import Subscription
from tests.features.providers.stage import Request, Stage


class Microsoft(Stage):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.subscriptions = InMemorySubscriptions(self.rig.clock)

    def provider(self) -> Provider:
        made = InMemoryProvider(
            name=MicrosoftPointer.provider,
            account=MicrosoftAccount,
            pointer=MicrosoftPointer,
            changes=self.changes,
            messages=self.messages,
            subscriptions=self.subscriptions,
            notifications=GraphNotificationReader(_verify_none),
        )
        return made()

    def account(self, name: str) -> MicrosoftAccount:
        return MicrosoftAccount(
            directory="directory",
            client_id="client",
            credentials=ClientSecret(Secret("client secret")),
            user=f"{name}@example.test",
        )

    def pointer(self, _: Mailbox, number: int) -> MicrosoftPointer:
        return MicrosoftPointer("", f"m{number}")

    async def announcement(
        self, mailbox: Mailbox, pointer: Pointer, *, genuine: bool = True
    ) -> Request:
        assert isinstance(pointer, MicrosoftPointer)
        data = {
            "changeType": "created",
            "resource": f"users/u/messages/{pointer.message_id}",
            "resourceData": {"id": pointer.message_id},
        }
        return await self._posted("/webhooks/microsoft", mailbox, data, genuine=genuine)

    async def lifecycle(self, mailbox: Mailbox, event: str, *, genuine: bool = True) -> Request:
        data = {"lifecycleEvent": event}
        return await self._posted("/webhooks/microsoft/lifecycle", mailbox, data, genuine=genuine)

    async def subscription(self, mailbox: Mailbox) -> Subscription | None:
        """That under which the provider sends notifications of it now."""
        live = await self.subscriptions.ids(mailbox)
        stored = await self.rig.folder_syncs.all(tenant=mailbox.tenant, mailbox=mailbox.id)
        found = [each.subscription for each in stored if each.subscription]
        return next((each for each in found if each.id in live), None)

    async def _posted(
        self, path: str, mailbox: Mailbox, data: dict[str, Any], *, genuine: bool
    ) -> Request:
        subscription_id, secret = await self._shown(mailbox)
        item = {
            "subscriptionId": subscription_id,
            "clientState": secret if genuine else "a guess",
            **data,
        }
        return Request(path, json.dumps({"value": [item]}).encode(), {})

    async def _shown(self, mailbox: Mailbox) -> tuple[str, str]:
        """Of a mailbox that we do not serve, somebody else's."""
        if await self.rig.registry.get(mailbox.tenant, mailbox.id) is None:
            return "a subscription of others", "a secret of others"
        subscription = await self.subscription(mailbox)
        assert subscription, "the provider sends no notifications of it"
        return subscription.id, self.subscriptions.shown[subscription.id]


async def _verify_none(token: str) -> str:
    raise Unauthenticated(f"no notification here has tokens: {token}")
