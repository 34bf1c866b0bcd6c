"""What a person can do about a failure, by the code in its reason: a table.

Source: learn.microsoft.com/entra/identity-platform/reference-error-codes, and /graph/errors.
"""

from collections.abc import Mapping
from typing import Final

from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftCredentials
from postroom.adapters.microsoft.entra import PERMISSIONS
from postroom.domain.failure import AccessFailed, Failure

_DELEGATED: Final = " and ".join(PERMISSIONS)

_BY_CODE: Mapping[str, str] = {
    "AADSTS7000215": "give the secret's Value, which Entra shows only once, and not its Secret ID",
    "AADSTS7000222": "the secret has expired: make another under Certificates & secrets",
    "AADSTS700027": "upload the certificate to the application, under Certificates & secrets",
    "AADSTS700016": "take the Application (client) ID from the application's Overview",
    "AADSTS90002": "take the Directory (tenant) ID from the application's Overview",
    "AADSTS900023": "take the Directory (tenant) ID from the application's Overview",
    "AADSTS7000112": "enable the application for sign-in, under Enterprise applications",
    "AADSTS7000218": "set Allow public client flows to Yes, under the application's Authentication",
    "AADSTS53003": "a Conditional Access policy forbids it: have device code flow allowed there",
    "authorization_declined": "the person declined: run the command again when they agree",
    "expired_token": "the code was not entered in time: run the command again",
    "ErrorInvalidUser": "no mailbox of that name in the directory: mend --user",
    "ErrorNonExistentMailbox": "no mailbox of that name in the directory: mend --user",
    "Request_ResourceNotFound": "no mailbox of that name in the directory: mend --user",
    "ResourceNotFound": "no mailbox of that name in the directory: mend --user",
    "MailboxNotEnabledForRESTAPI": "give the user a licence for Exchange Online",
    "MailboxNotSupportedForRESTAPI": "the mailbox is not in Exchange Online, and cannot be read",
}

_AS_ITSELF: Mapping[str, str] = {
    "ErrorAccessDenied": (
        "add the application permission Mail.Read and grant admin consent; or, with RBAC for"
        " Applications, put the mailbox into its scope and wait: that can take two hours"
    ),
}

_FOR_A_PERSON: Mapping[str, str] = {
    "AADSTS65001": f"add the delegated permissions {_DELEGATED} and grant admin consent",
    "ErrorAccessDenied": (
        f"add the delegated permissions {_DELEGATED}, consent to them, and give the person who"
        " signs in full access to the mailbox"
    ),
    # Graph's answer where the person may not open the folder.
    "ErrorItemNotFound": "give the person who signs in full access to the mailbox",
    "consent_required": f"add the delegated permissions {_DELEGATED} and grant admin consent",
    "invalid_grant": "run the command again, and sign in anew",
}


def remedy(failure: Failure, credentials: MicrosoftCredentials) -> str:
    """What to do about *failure*; the last code in its reason that the table knows decides."""
    own = _FOR_A_PERSON if isinstance(credentials, DelegatedAccess) else _AS_ITSELF
    table = {**_BY_CODE, **own}
    for code in reversed(failure.reason.split()):
        if advice := table.get(code):
            return advice
    return "" if isinstance(failure, AccessFailed) else "try again later"
