"""Values of a Gmail account's options, and an account that is made of them."""

import json

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.account_options import GoogleAccounts
from postroom.application.ports import OptionValue
from postroom.domain.account import Secret

ADDRESS = "info@acme.example"
KEY = {
    "type": "service_account",
    "private_key": "a secret of Google's",
    "client_email": "postroom@project.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
VALUES: dict[str, OptionValue] = {
    "service-account": Secret(json.dumps(KEY)),
    "pubsub-subscription": "projects/p/subscriptions/gmail",
    "push-service-account": "push@p.iam.gserviceaccount.com",
    "pubsub-topic": "projects/p/topics/t",
}
DELEGATED: dict[str, OptionValue] = {
    **{name: value for name, value in VALUES.items() if name != "service-account"},
    "delegated": True,
    "client-id": "1234.apps.googleusercontent.com",
    "client-secret": Secret("GOCSPX"),
}


def created(**changes: OptionValue) -> GoogleAccount:
    given = {name.replace("_", "-"): value for name, value in changes.items()}
    return GoogleAccounts().create(ADDRESS, VALUES | given)
