"""What an IMAP server's response means for us, as one of the failures of domain/failure.py.

Reasons hold commands and response codes, never the server's own words: those may name the user.
"""

import errno
import re
import socket
import ssl

from postroom.domain.failure import AccessFailed, Failure, Unavailable


class ConnectionLost(Unavailable):
    """The connection ended while it was used: another one may do."""


BY_CODE: dict[str, tuple[type[Failure], str]] = {
    # RFC 5530
    "AUTHENTICATIONFAILED": (AccessFailed, "check the user name and the password"),
    "AUTHORIZATIONFAILED": (AccessFailed, "the user may not open this mailbox"),
    "EXPIRED": (AccessFailed, "the password has expired"),
    "PRIVACYREQUIRED": (AccessFailed, "set the security of the connection to tls or starttls"),
    "CONTACTADMIN": (AccessFailed, "ask the administrator of the mail server"),
    "NOPERM": (AccessFailed, "the user may not do this"),
    "NONEXISTENT": (AccessFailed, "there is no such folder"),
    "UNAVAILABLE": (Unavailable, "a part of the server is down"),
    "INUSE": (Unavailable, "the mailbox is locked"),
    "LIMIT": (Unavailable, "too many connections"),
    "SERVERBUG": (Unavailable, "the server has a bug"),
    "CORRUPTION": (Unavailable, "the server's data is damaged"),
}

BY_COMMAND: dict[str, tuple[type[Failure], str]] = {
    # Where a server gives no code, its NO mostly means just this.
    "LOGIN": (AccessFailed, "check the user name and the password"),
    "AUTHENTICATE": (AccessFailed, "check the user name and the password"),
    "EXAMINE": (AccessFailed, "check the name of the folder"),
}

_TEMPORARY = re.compile(
    rb"too many|simultaneous|maximum|exceeded|temporar|try again|later|unavailable|internal",
    re.IGNORECASE,
)
_CODE = re.compile(rb"\[([A-Z-]+)[ \]]", re.IGNORECASE)


def failure_of(command: str, result: str, text: bytes) -> Failure:
    """The failure behind a tagged NO or BAD: by its code, its words, or the command."""
    match = _CODE.match(text)
    code = match[1].decode().upper() if match else ""
    reason = f"the IMAP server answered {command} with {result} {code}".rstrip()
    for_good = result == "NO" and not _TEMPORARY.search(text)
    meaning = BY_CODE.get(code) or (BY_COMMAND.get(command) if for_good else None)
    if meaning is None:
        return Unavailable(reason)
    kind, remedy = meaning
    return kind(f"{reason}: {remedy}")


def connection_failure_of(error: OSError) -> Failure:
    """The failure behind an *error* met when connecting, or when negotiating TLS."""
    match error:
        case ssl.SSLCertVerificationError():
            return AccessFailed(
                f"the IMAP server's certificate is not trusted ({error.verify_message}): use the "
                "host name it was made for, or make its issuer known to this machine"
            )
        case ssl.SSLError():
            return _unreachable(f"no TLS with the IMAP server ({error.reason})")
        case TimeoutError():
            return _unreachable("the IMAP server cannot be reached: no answer in time")
        case socket.gaierror():
            return _unreachable("the IMAP server cannot be reached: its name is not known")
        case _:
            code = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return _unreachable(f"the IMAP server cannot be reached: {code}")


def _unreachable(reason: str) -> Unavailable:
    return Unavailable(reason, answered=False)
