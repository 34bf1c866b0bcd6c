"""Rules for reports (RFC 6522): bounces, read receipts and complaints. Each gives its evidence.

Servers that know no RFC 3464 bounce too: they are known by who writes, and by the subject. Neither
is enough, since a postmaster is a person at times, and a person may pass a bounce on.
"""

import re
from collections.abc import Sequence

from postroom.domain.mail.bounce import has_report, returns_a_message
from postroom.domain.mail.message import Message
from postroom.domain.mail.mime.headers import Headers
from postroom.domain.mail.mime.parameters import read_parameters

_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|post[-_.]?master|mail[-_. ]deliver|internet mail deliver"
    r"|system administrator",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"undeliver|not (?:be )?delivered|deliver\w{0,9} (?:status|notification|report|(?:has )?fail)"
    r"|fail\w{0,9} (?:notic|delivery)|returned? (?:mail|message)"
    r"|mail (?:system )?(?:error|failure)|error sending|blocked by"
    r"|unzustellbar|nicht zugestellt|non (?:remis|distribu)|no se pudo"
    r"|mancata consegna|не ?доставлен|недостав|配信できません|エラー通知|退信",
    re.IGNORECASE,
)


def bounce(message: Message, headers: Headers) -> Sequence[str]:
    if has_report(message) or _report_type(headers) == "delivery-status":
        return ("Content-Type",)
    if headers.get("x-failed-recipients"):
        return ("X-Failed-Recipients",)
    by_daemon = any(map(_DAEMON.match, (message.sender.email, message.sender.name)))
    by_nobody = has_null_path(headers)
    if (by_daemon or by_nobody) and _FAILURE.search(message.subject):
        return ("From" if by_daemon else "Return-Path", "Subject")
    return ("From", "Return-Path") if by_daemon and by_nobody and returns_a_message(message) else ()


def read_receipt(message: Message, headers: Headers) -> Sequence[str]:
    return _report(message, headers, "disposition-notification")


def complaint(message: Message, headers: Headers) -> Sequence[str]:
    return _report(message, headers, "feedback-report")


def has_null_path(headers: Headers) -> bool:
    """What nobody is to answer (RFC 5321 section 4.5.5)."""
    return "".join(headers.get("return-path").split()) == "<>"


def _report(message: Message, headers: Headers, kind: str) -> Sequence[str]:
    has_part = any(file.content_type == f"message/{kind}" for file in message.attachments)
    return ("Content-Type",) if has_part or _report_type(headers) == kind else ()


def _report_type(headers: Headers) -> str:
    content_type, parameters = read_parameters(headers.get("content-type"))
    return parameters.get("report-type", "").lower() if content_type == "multipart/report" else ""
