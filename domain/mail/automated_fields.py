"""Rules for what programs write into header fields of their own mail. Each gives its evidence."""

import re
from collections.abc import Sequence

from postroom.domain.mail.automated_reports import has_null_path
from postroom.domain.mail.message import Message
from postroom.domain.mail.mime.headers import Headers

_WORD = re.compile(r"[a-z_-]+")
_RESPONDERS = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-mail-autoreply")
_CHALLENGERS = ("x-askversion", "x-bluebottle-request", "x-choicemail-registration-request")
_LISTS = ("list-id", "list-post", "list-unsubscribe", "x-mailing-list")
_AWAY = re.compile(
    r"auto(?:mati\w{1,9})?[- ]?(?:reply|response)|out of (?:the )?office|\baway (?:from|until)\b"
    r"|abwesenheit|automatische antwort|réponse automatique|absence|respuesta automática"
    r"|fuera de la oficina|risposta automatica|fuori sede|resposta automática"
    r"|automatisch antwoord|afwezig|autosvar|frånvaro|fravær|poissa|automatyczna odpowiedź"
    r"|автоответ|автоматический ответ|otomatik yanıt|自动答复|自動回覆|自動応答|不在",
    re.IGNORECASE,
)


def challenge(message: Message, headers: Headers) -> Sequence[str]:
    """Of programs that let nobody through who has not answered them."""
    if message.message_id.partition("@")[0].endswith("-tmda-confirm"):
        return ("Message-ID",)
    # What such a program lets through and passes on has its field as well.
    if headers.get("x-boxtrapper") and _precedence(headers) == "auto_reply":
        return ("X-Boxtrapper", "Precedence")
    return _present(headers, _CHALLENGERS)


def vacation(message: Message, headers: Headers) -> Sequence[str]:
    """An answer by a program to say that somebody is away: its subject alone proves nothing."""
    submitted = headers.get("auto-submitted").lower()
    if submitted.startswith("auto-replied") and "vacation" in submitted:
        return ("Auto-Submitted",)
    signs = (
        *auto_replied(message, headers),
        *auto_generated(message, headers),
        *bulk(message, headers),
        *_present(headers, ("x-auto-response-suppress",)),
    )
    return (*dict.fromkeys(signs), "Subject") if signs and _AWAY.search(message.subject) else ()


def auto_replied(message: Message, headers: Headers) -> Sequence[str]:  # noqa: ARG001 - a rule
    if _submitted(headers) == "auto-replied":
        return ("Auto-Submitted",)
    if _precedence(headers) in {"auto_reply", "auto-reply"}:
        return ("Precedence",)
    return _present(headers, _RESPONDERS)


def auto_notified(message: Message, headers: Headers) -> Sequence[str]:  # noqa: ARG001 - a rule
    return ("Auto-Submitted",) if _submitted(headers) == "auto-notified" else ()


def auto_generated(message: Message, headers: Headers) -> Sequence[str]:  # noqa: ARG001 - a rule
    """RFC 3834 section 5: whatever is not `no` is automatic, and there may be new words."""
    is_known = _submitted(headers) in {"", "no", "auto-replied", "auto-notified"}
    return () if is_known else ("Auto-Submitted",)


def mailing_list(message: Message, headers: Headers) -> Sequence[str]:  # noqa: ARG001 - a rule
    by_precedence = ("Precedence",) if _precedence(headers) == "list" else ()
    return (*_present(headers, _LISTS), *by_precedence)


def bulk(message: Message, headers: Headers) -> Sequence[str]:  # noqa: ARG001 - a rule
    if _precedence(headers) in {"bulk", "junk"}:
        return ("Precedence",)
    return ("Return-Path",) if has_null_path(headers) else ()


def _submitted(headers: Headers) -> str:
    """The word of Auto-Submitted, without its parameters and comments."""
    word = _WORD.match(headers.get("auto-submitted").lower())
    return word[0] if word else ""


def _precedence(headers: Headers) -> str:
    return headers.get("precedence").strip().lower()


def _present(headers: Headers, names: Sequence[str]) -> Sequence[str]:
    """Those of *names* (lower case) that are there, as they are written."""
    written = {name.lower(): name for name, value in headers.fields if value}
    return tuple(written[name] for name in names if name in written)
