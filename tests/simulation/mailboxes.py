"""The mailboxes of a run: three tenants, three providers, and what each mailbox depends on."""

from dataclasses import dataclass
from datetime import UTC, datetime

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.imap.account import ImapAccount, Security
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)

PUSHER = "pusher@example.iam.gserviceaccount.com"

TOPIC = "projects/project/topics/gmail"

IMAP_PORT = 993


@dataclass(frozen=True, slots=True)
class Place:
    """*source* is the server that a mailbox lies on, *authority* where one signs in to it."""

    provider: str
    source: str
    authority: str


def _graph(tenant: str) -> Place:
    return Place("microsoft", "graph", f"login of {tenant}")


_GMAIL = Place("google", "gmail", "login of google")

PLACES = {
    "acme/desk": _graph("acme"),
    "acme/sales": _graph("acme"),
    "acme/info": _GMAIL,
    "acme/post": Place("imap", "mail.acme", "mail.acme"),
    "beta/desk": _graph("beta"),
    "beta/info": _GMAIL,
    "beta/post": Place("imap", "mail.beta", "mail.beta"),
    "gamma/desk": _graph("gamma"),
    "gamma/sales": _graph("gamma"),
    "gamma/info": _GMAIL,
}
"""By lane."""

TENANTS = tuple(dict.fromkeys(lane.partition("/")[0] for lane in PLACES))
SOURCES = tuple(dict.fromkeys(place.source for place in PLACES.values()))
AUTHORITIES = tuple(
    dict.fromkeys(place.authority for place in PLACES.values() if place.authority != place.source)
)
STORES = ("database", "queue")
WORKERS = ("worker", "worker-2")
PARTS = ("api", *WORKERS, "maintenance", "listener")
POSTROOM = "postroom"
OURS = (*STORES, *PARTS, POSTROOM)


def lanes_of(provider: str) -> list[str]:
    return [lane for lane, place in PLACES.items() if place.provider == provider]


def lane_of(mailbox: Mailbox) -> str:
    return f"{mailbox.tenant}/{mailbox.id}"


def place_of(mailbox: Mailbox) -> Place:
    return PLACES[lane_of(mailbox)]


def targets_of(lane: str) -> frozenset[str]:
    """All outside us that a mailbox cannot be read without."""
    place = PLACES[lane]
    return frozenset({lane, place.source, place.authority})


def sources_of(account: Account) -> tuple[str, ...]:
    """What serves an account, as its provider has it."""
    match account:
        case MicrosoftAccount(directory=directory):
            return ("graph", f"login of {directory}")
        case ImapAccount(host=host):
            return (host.removesuffix(".example"),)
        case _:
            return ("gmail", "login of google")


def mailbox_of(lane: str, service_account: str = "{}") -> Mailbox:
    tenant, _, name = lane.partition("/")
    address = f"{name}@{tenant}.example"
    account = _account(PLACES[lane], tenant, name, address, service_account)
    return Mailbox(tenant=tenant, id=name, address=address, account=account, added_at=EPOCH)


def _account(place: Place, tenant: str, name: str, address: str, service_account: str) -> Account:
    match place.provider:
        case "microsoft":
            secret = ClientSecret(Secret(f"the secret of {tenant}"))
            return MicrosoftAccount(
                directory=tenant, client_id=tenant, credentials=secret, user=address
            )
        case "google":
            return GoogleAccount(
                service_account=Secret(service_account),
                pubsub_subscription=subscription_of(tenant, name),
                push_service_account=PUSHER,
                pubsub_topic=TOPIC,
            )
        case _:
            return ImapAccount(
                host=f"{place.source}.example",
                port=IMAP_PORT,
                username=address,
                password=Secret(f"the password of {name}"),
                security=Security.NONE,
            )


def subscription_of(tenant: str, name: str) -> str:
    return f"projects/{tenant}/subscriptions/{name}"
