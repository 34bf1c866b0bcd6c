"""The mailboxes of the story, and the messages that they get."""

from email.message import EmailMessage

from domain.mailbox import (
    Account,
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    GoogleAccount,
    ImapAccount,
    Mailbox,
    MicrosoftAccount,
    MicrosoftCredentials,
    Secret,
    Security,
)
from providers import GMAIL_URL
from release import Release
from tests.adapters.client_certificates import certificate_pem, key_pem, rsa_key
from tests.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY

BY_CERTIFICATE = "0a9f6c1e-5b0b-4c9b-9a54-6d9b2f6c7e11"
"""The client id of the application that signs in by a certificate."""

IMAP_PASSWORD = "hush"
IMAP_USERS = dict.fromkeys(("support", "desk", "former"), IMAP_PASSWORD)
BY_SECRET = ClientSecret(Secret(CLIENT_SECRET))


async def add_all(release: Release) -> None:
    graph = release.providers.graph
    graph.add_folder("sales@acme.example", "Inbox/Orders")
    graph.add_folder("sales@acme.example", "Inbox/Angebote Süd")
    graph.share("team@acme.example", "clerk@acme.example")
    release.providers.imap.create("support", "Anfragen/M&APY-bel")
    certified, signed_in = _certified(release), await _signed_in(release)
    folders = ("Inbox/Orders", "Inbox/Angebote Süd")
    await add_microsoft(release, "acme", "sales", BY_SECRET, *folders)
    await add_microsoft(release, "acme", "invoices", certified, client_id=BY_CERTIFICATE)
    await add_microsoft(release, "acme", "team", signed_in)
    for name in ("sales", "office", "hr"):
        await add_microsoft(release, "globex", name)
    await _add(release, "acme", "info", _google(release))
    await _add(release, "acme", "support", _imap("support", "INBOX", "Anfragen/Möbel"))
    await _add(release, "acme", "former", _imap("former", "INBOX"))
    await _add(release, "globex", "desk", _imap("desk", "INBOX"))


async def add_microsoft(
    release: Release,
    tenant: str,
    name: str,
    credentials: MicrosoftCredentials = BY_SECRET,
    *folders: str,
    client_id: str = CLIENT_ID,
) -> None:
    user = f"{name}@{tenant}.example"
    release.providers.graph._backend.mailboxes.add_user(user)
    account = MicrosoftAccount(
        directory=DIRECTORY,
        client_id=client_id,
        credentials=credentials,
        user=user,
        folders=("inbox", *folders),
    )
    await _add(release, tenant, name, account)


async def _add(release: Release, tenant: str, name: str, account: Account) -> None:
    mailbox = Mailbox(
        tenant=tenant,
        id=name,
        address=f"{name.capitalize()}@{tenant}.example",
        account=account,
        added_at=release.clock.now(),
    )
    await release.registry.add(mailbox)


def _certified(release: Release) -> ClientCertificate:
    certificate, directories = (
        certificate_pem(rsa_key()),
        release.providers.graph._backend.directories,
    )
    directories.certify(DIRECTORY, BY_CERTIFICATE, certificate.encode())
    return ClientCertificate(Secret(certificate + key_pem(rsa_key())))


async def _signed_in(release: Release) -> DelegatedAccess:
    """Of a person who opens the mailbox of a team."""
    release.providers.graph.expect_device("clerk@acme.example")
    device = release.providers.device
    return await device.finish(await device.begin(DIRECTORY, CLIENT_ID))


def _google(release: Release) -> GoogleAccount:
    gmail, pushing = release.providers.gmail, release.providers.pushing
    gmail.mailbox("Info@acme.example")
    return GoogleAccount(
        service_account=Secret(gmail.service_account_key(GMAIL_URL)),
        subscription=pushing.name,
        push_identity=pushing.identity,
    )


def _imap(username: str, *folders: str) -> ImapAccount:
    return ImapAccount(
        host="imap.acme.example",
        port=143,
        username=username,
        password=Secret(IMAP_PASSWORD),
        security=Security.STARTTLS,
        folders=folders,
    )


def letter(name: str, *answers: str, size: int = 0) -> bytes:
    """A message called *name* that answers others; *size* in bytes, at the least."""
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@sender.example>"
    message["To"] = "help@acme.example"
    message["Subject"] = f"About {name}"
    message["Message-ID"] = f"<{name}@sender.example>"
    if answers:
        message["References"] = " ".join(f"<{each}@sender.example>" for each in answers)
    message.set_content("Hello!\n" + "0123456789\n" * (size // 10))
    return message.as_bytes()
