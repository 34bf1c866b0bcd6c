"""What a person can do about a failure, by the code in its reason: a table.

Sources: https://developers.google.com/workspace/gmail/api/guides/handle-errors and
https://developers.google.com/identity/protocols/oauth2/service-account#error-codes.
"""

from collections.abc import Mapping
from typing import Final

from postroom.adapters.google.credentials import SCOPE
from postroom.domain.failure import AccessFailed, Failure

_DELEGATE: Final = (
    f"delegate the scope {SCOPE} to the service account's client id, in the Admin console under"
    " Security, API controls, Domain-wide delegation, and wait: that can take a day"
)
_NEW_KEY: Final = "give the JSON key of a service account that exists and is enabled"
_ENABLE_API: Final = (
    "enable the Gmail API and the Pub/Sub API in the Google Cloud project of the service account"
)
_ALLOW: Final = "have the administrator of the Workspace allow the service account in API controls"

_SIGN_IN_AGAIN: Final = (
    "have the person sign in again, and allow reading (postroom mailbox reconnect google …"
    " --delegated): what they allowed has ended, as it does when they withdraw it, change their"
    " password, leave it unused for six months, or after 7 days where the OAuth consent screen is"
    ' in "Testing"'
)
_CLIENT: Final = (
    "give the id and the secret of an OAuth client of the type desktop app, in a project with the"
    " Gmail API enabled, that people outside of its organisation may use if they have to"
)

_BY_CODE: Mapping[str, str] = {
    "unauthorized_client": _DELEGATE,
    "invalid_scope": _DELEGATE,
    "insufficientPermissions": _DELEGATE,
    "invalid_grant": (
        "check that the domain has a user of this address, that the service account's key was not"
        " deleted, and that the clock of this machine is right"
    ),
    "invalid_client": _NEW_KEY,
    "deleted_client": _NEW_KEY,
    "disabled_client": _NEW_KEY,
    "access_denied": _ALLOW,
    "admin_policy_enforced": _ALLOW,
    "org_internal": _ALLOW,
    "accessNotConfigured": _ENABLE_API,
    "SERVICE_DISABLED": _ENABLE_API,
    "failedPrecondition": "switch Gmail on for the user, in the Admin console under Apps",
    "domainPolicy": "switch Gmail on for the user, in the Admin console under Apps",
}


_DELEGATED: Mapping[str, str] = {
    "invalid_grant": _SIGN_IN_AGAIN,
    "invalid_rapt": _SIGN_IN_AGAIN,
    "rapt_required": _SIGN_IN_AGAIN,
    "invalid_client": _CLIENT,
    "deleted_client": _CLIENT,
    "disabled_client": _CLIENT,
    "unauthorized_client": _CLIENT,
    "org_internal": _CLIENT,
    "insufficientPermissions": _SIGN_IN_AGAIN,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _SIGN_IN_AGAIN,
    "access_denied": "have the person sign in again, and allow it",
}
"""Where a person has signed in."""


def remedy(failure: Failure, *, is_delegated: bool = False) -> str:
    """What to do about *failure*; the last code in its reason that the table knows decides."""
    table = {**_BY_CODE, **_DELEGATED} if is_delegated else _BY_CODE
    for code in reversed(failure.reason.split()):
        if found := table.get(code):
            return found
    return "" if isinstance(failure, AccessFailed) else "try again later"
