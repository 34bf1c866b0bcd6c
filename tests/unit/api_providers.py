"""The API with the providers of this release, whose senders are proven as a test says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from postroom.adapters import google, imap, microsoft
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.notifications import GmailNotificationReader
from postroom.adapters.google.push import PushVerifier
from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.notifications import GraphNotificationReader
from postroom.application.ports import Unauthenticated
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.failure import Failure
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mailbox import Mailbox
from tests.adapters.notification_rig import TokenVerifier
from tests.provider_deps import provider_deps
from tests.unit.api_rig import Rig, mailbox_with, opened

APPLICATION = "8e460676-ae3f-4b1e-8790-ee0fb5d6148f"
PUSH_SUBSCRIPTION = "projects/acme/subscriptions/postroom"
PUSHER = "pusher@acme.iam.gserviceaccount.com"
GOOGLE_TOKEN = "header.payload.signature"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def microsoft_mailbox(*, tenant: str = "acme", name: str = "support", paused: str = "") -> Mailbox:
    account = MicrosoftAccount(
        directory="contoso",
        client_id=APPLICATION,
        credentials=ClientSecret(Secret("hush")),
        user="support",
    )
    return mailbox_with(account, tenant=tenant, name=name, paused=paused)


def google_mailbox(
    *, tenant: str = "acme", name: str = "sales", paused: str = "", pusher: str = PUSHER
) -> Mailbox:
    account = GoogleAccount(
        service_account=Secret("{}"),
        pubsub_subscription=PUSH_SUBSCRIPTION,
        push_service_account=pusher,
    )
    return mailbox_with(account, tenant=tenant, name=name, paused=paused)


def imap_mailbox(*, tenant: str = "acme", name: str = "post", paused: str = "") -> Mailbox:
    account = ImapAccount(host="mail.example", port=993, username="u", password=Secret("p"))
    return mailbox_with(account, tenant=tenant, name=name, paused=paused)


@dataclass
class FakeVerifier(PushVerifier):
    """Knows one token, of *email*."""

    email: str = PUSHER
    failure: Failure | None = None

    async def __call__(self, token: str) -> str:
        if self.failure:
            raise self.failure
        if token != GOOGLE_TOKEN:
            raise Unauthenticated("the signature is wrong")
        return self.email


@dataclass(kw_only=True)
class ProviderRig(Rig):
    """*verifier* knows who pushes, *notification_tokens* who signs rich notifications.

    *modes* are of the ingress, by provider.
    """

    verifier: FakeVerifier = field(default_factory=FakeVerifier)
    notification_tokens: TokenVerifier = field(default_factory=TokenVerifier)
    modes: dict[str, IngressMode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        deps = provider_deps(self.clock, self.registry)
        self.providers = Providers(
            [
                replace(
                    microsoft.provider(deps),
                    notifications=GraphNotificationReader(self.notification_tokens),
                ),
                replace(
                    google.provider(deps), notifications=GmailNotificationReader(self.verifier)
                ),
                imap.provider(deps, handoff_secrets={"acme": SECRET}),
            ],
            Ingress(self.modes),
        )


@contextmanager
def open_rig(clock: ManualClock) -> Iterator[ProviderRig]:
    with opened(ProviderRig, clock) as rig:
        yield rig
