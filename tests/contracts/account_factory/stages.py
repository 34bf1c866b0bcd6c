"""Valid values of each provider's account options, which are the stages of AccountFactory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroom.adapters.google import account as google_account
from postroom.adapters.google import account_options as google
from postroom.adapters.imap import account as imap
from postroom.adapters.microsoft import account as microsoft
from postroom.application.ports import AccountFactory, AccountOption, OptionValue
from postroom.domain.account import Account, Secret
from tests import toy_provider

Values = Mapping[str, OptionValue]

SECRET = "nobody-may-see-this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """*plain* gives every option that is no credential; each of *credentials* opens a mailbox.

    *others* are complete values too, with what cannot be said together with *plain*.
    """

    name: str
    account: type[Account]
    options: Sequence[AccountOption]
    accounts: AccountFactory
    plain: Values
    credentials: Sequence[Values]
    others: Sequence[Values] = ()

    @property
    def complete(self) -> Sequence[Values]:
        """Values of an account: all that may be said of one, by each way to open the mailbox."""
        opened = [{**self.plain, **credentials} for credentials in self.credentials]
        return [*opened, *self.others]

    @property
    def fewest(self) -> Values:
        """No more than what has to be said of an account."""
        needed = {each.name for each in self.options if each.required}
        return {name: value for name, value in self.complete[0].items() if name in needed}

    def giving(self, option: AccountOption) -> Values:
        """Complete values of which *option* is one."""
        return next(values for values in self.complete if option.name in values)


def _key(number: int) -> Secret:
    """Of a service account, as the console of Google hands it out."""
    fields = {
        "type": "service_account",
        "private_key": f"{SECRET}-{number}",
        "client_email": "postroom@project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return Secret(json.dumps(fields))


MICROSOFT = Stage(
    name="microsoft",
    account=microsoft.MicrosoftAccount,
    options=microsoft.OPTIONS,
    accounts=microsoft.MicrosoftAccounts(),
    plain={
        "directory": "directory-1",
        "client-id": "client-1",
        "user": "clerk@acme.example",
        "folder": ("archive", "Inbox/Anfragen/Möbel"),
    },
    credentials=(
        {"client-secret": Secret(SECRET)},
        {"certificate": Secret(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n")},
        {"delegated": True},
    ),
)
PUSHED: Values = {
    "pubsub-subscription": "projects/p/subscriptions/gmail",
    "push-service-account": "push@p.iam.gserviceaccount.com",
    "pubsub-topic": "projects/p/topics/gmail",
}
GOOGLE = Stage(
    name="google",
    account=google_account.GoogleAccount,
    options=google.OPTIONS,
    accounts=google.GoogleAccounts(),
    plain={
        "label": ("INBOX", "Desk/Orders"),
        "except-label": ("Ads",),
    },
    credentials=(
        {**PUSHED, "service-account": _key(1)},
        {**PUSHED, "service-account": _key(2)},
        {
            **PUSHED,
            "delegated": True,
            "client-id": "1234.apps.googleusercontent.com",
            "client-secret": Secret(SECRET),
            "paste": True,
        },
    ),
    others=(
        {**PUSHED, "service-account": _key(1), "all-mail": True},
        {
            "pubsub-subscription": "projects/p/subscriptions/gmail",
            "pubsub-pull": True,
            "service-account": _key(1),
        },
    ),
)
IMAP = Stage(
    name="imap",
    account=imap.ImapAccount,
    options=imap.OPTIONS,
    accounts=imap.ImapAccounts(),
    plain={
        "host": "imap.acme.example",
        "port": "143",
        "username": "clerk",
        "security": "starttls",
        "folder": ("Anfragen/Möbel", "INBOX"),
    },
    credentials=({"password": Secret(SECRET)}, {"password": Secret(f"{SECRET}-ü")}),
)
TOY = Stage(
    name="toy",
    account=toy_provider.ToyAccount,
    options=toy_provider.OPTIONS,
    accounts=toy_provider.ToyAccounts(),
    plain={"region": "south", "user": "clerk", "folder": ("orders", "inbox")},
    credentials=({"token": Secret(SECRET)}, {"guest": True}),
)

STAGES = (MICROSOFT, GOOGLE, IMAP, TOY)
