"""Each provider as it announces mail: what it sends to our webhook, genuine or forged."""

import base64
import json
from dataclasses import dataclass

import httpx
from postroom.entrypoints.api.standard_webhooks import key_of, sign

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

PUSH_IDENTITY = "push@project.iam.gserviceaccount.com"
PUSH_TOKEN = "signed by Google"
HANDOFF_SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes
    headers: dict[str, str]

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        headers = {"content-type": "application/json", **self.headers}
        return await client.post(self.path, content=self.body, headers=headers)


def account(provider: str, *, name: str) -> Account:
    match provider:
        case "Microsoft":
            return MicrosoftAccount(
                directory="directory",
                client_id="client",
                credentials=ClientSecret(Secret("client secret")),
                user=f"{name}@example.test",
            )
        case "Google":
            return GoogleAccount(
                service_account=Secret("{}"),
                pubsub_subscription=f"projects/p/subscriptions/{name}",
                push_service_account=PUSH_IDENTITY,
            )
        case _:
            return ImapAccount(
                host="imap.example.test", port=993, username=name, password=Secret("secret")
            )


def subscription_id(mailbox: Mailbox) -> str:
    return f"subscription-{mailbox.address}"


def client_state(mailbox: Mailbox) -> str:
    return f"state of {mailbox.address}"


def notification(
    mailbox: Mailbox, pointer: Pointer, now: float, *, genuine: bool = True
) -> Request:
    """What the provider sends of *pointer*; *now* in seconds since 1970."""
    match mailbox.account, pointer:
        case MicrosoftAccount(), MicrosoftPointer():
            return _graph(mailbox, pointer, genuine=genuine)
        case GoogleAccount() as account, GooglePointer():
            return _pubsub(account, pointer, genuine=genuine)
        case _, ImapPointer():
            return _handed_off(mailbox, pointer, now, genuine=genuine)
        case _:
            raise AssertionError("a pointer of another provider")


def _graph(mailbox: Mailbox, pointer: MicrosoftPointer, *, genuine: bool) -> Request:
    item = {
        "subscriptionId": pointer.subscription_id,
        "clientState": client_state(mailbox) if genuine else "a guess",
        "changeType": "created",
        "resource": f"users/u/messages/{pointer.message_id}",
        "resourceData": {"id": pointer.message_id},
    }
    return Request("/webhooks/microsoft", json.dumps({"value": [item]}).encode(), {})


def _pubsub(account: GoogleAccount, pointer: GooglePointer, *, genuine: bool) -> Request:
    data = {"emailAddress": pointer.address, "historyId": pointer.history_id}
    encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
    body = {
        "message": {"data": encoded, "messageId": "1", "publishTime": "2030-01-01T00:00:00Z"},
        "subscription": account.pubsub_subscription,
    }
    token = PUSH_TOKEN if genuine else "signed by somebody"
    headers = {"authorization": f"Bearer {token}"}
    return Request("/webhooks/google", json.dumps(body).encode(), headers)


def _handed_off(mailbox: Mailbox, pointer: ImapPointer, now: float, *, genuine: bool) -> Request:
    body = json.dumps(
        {
            "mailbox": mailbox.id,
            "pointers": [
                {"folder": pointer.folder, "uid": pointer.uid, "uid_validity": pointer.uid_validity}
            ],
        }
    ).encode()
    key = key_of(HANDOFF_SECRET) if genuine else b"a guess that is long enough"
    stamp = str(int(now))
    headers = {
        "postroom-tenant": mailbox.tenant,
        "webhook-id": "m1",
        "webhook-timestamp": stamp,
        "webhook-signature": sign(key, message_id="m1", timestamp=stamp, body=body),
    }
    return Request("/webhooks/imap", body, headers)
