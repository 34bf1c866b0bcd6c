"""What a person can do about a failure, by the code in its reason: a table.

Sources: https://developers.google.com/workspace/gmail/api/guides/handle-errors and
https://developers.google.com/identity/protocols/oauth2/service-account#error-codes.
"""

from collections.abc import Mapping
from typing import Final

from postroom.adapters.google.tokens import SCOPE
from postroom.domain.failure import AccessFailed, Failure

_DELEGATE: Final = (
    f"delegate the scope {SCOPE} to the service account's client id, in the Admin console under"
    " Security, API controls, Domain-wide delegation, and wait: that can take a day"
)
_NEW_KEY: Final = "give the JSON key of a service account that exists and is enabled"
_ENABLE_API: Final = "enable the Gmail API in the Google Cloud project of the service account"
_ALLOW: Final = "have the administrator of the Workspace allow the service account in API controls"

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


def remedy(failure: Failure) -> str:
    """What to do about *failure*; the last code in its reason that the table knows decides."""
    for code in reversed(failure.reason.split()):
        if found := _BY_CODE.get(code):
            return found
    return "" if isinstance(failure, AccessFailed) else "try again later"
