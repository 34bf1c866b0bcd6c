"""How mail programs mark what they quote: by `>`, by a line above it, by a copy of its header.

Nothing of this is standard, and each program writes it in the language of its user.
"""

import re
from collections.abc import Sequence

_MAX_LINE = 500  # characters of a line that are looked at
_MAX_ENDING = 30
_MAX_ATTRIBUTION = 3  # lines: programs fold it
_MAX_BLOCK = 8  # lines of a copied header
_ENOUGH = 3  # kinds of fields that make lines a copied header

_QUOTED = re.compile(r"\s{0,3}>")
_ENDS = re.compile(r"(?::|：|wrote -{2,9})\s{0,9}$")
_WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\b\d{4}\b|\b\d{1,2}[./-]\d{1,2}\b|\d年")
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|geschreven|escreveu|skrev"
    r"|napisał|napsal|пишет|писал|написал|пише|yazdı|kirjoitti|írta)|写道|寫道|のメール",
    re.IGNORECASE,
)
_OPENS = re.compile(r"-{0,9}\s?(?:on|le|am|el|il|op|den|em|dne|w dniu)\b|在", re.IGNORECASE)
_TAIL = re.compile(r">\s?(?:wrote|schrieb|a écrit|schreef)?\s?[:：]\s?", re.IGNORECASE)
_RULE = re.compile(r"[-_=*]{5,}")
_TITLE = re.compile(
    r"-{2,}\s{0,3}(?:original message|original-nachricht|ursprüngliche nachricht"
    r"|message d'origine|mensaje original|messaggio originale|mensagem original"
    r"|oorspronkelijk bericht|ursprungligt meddelande|opprinnelig melding"
    r"|oprindelig meddelelse|wiadomość oryginalna|исходное сообщение)\s{0,3}-{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"-{2,}\s{0,3}(?:forwarded message|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht)|begin forwarded message:",
    re.IGNORECASE,
)
_FIELDS = (
    ("from", "from von de da van från fra od от expéditeur gönderen lähettäjä 发件人 差出人"),
    ("date", "sent date gesendet datum envoyé enviado fecha data inviato verzonden skickat sendt"),
    ("date", "dato wysłano отправлено дата 发送时间 日期 送信日時 日付 tarih lähetetty"),
    ("to", "to an à a para aan till til do кому 收件人 宛先 kime vastaanottaja cc kopie"),
    ("subject", "subject betreff objet asunto assunto oggetto onderwerp ämne emne temat тема"),
    ("subject", "主题 主旨 件名 konu aihe"),
)
_KINDS = {label: kind for kind, labels in _FIELDS for label in labels.split()}
_LABEL = re.compile(r"[*\s]{0,3}([^\W\d_]{1,15})(?: el)?[*\s]{0,3}[:：]")


def is_quoted(line: str) -> bool:
    return bool(_QUOTED.match(line))


def ends_attribution(line: str) -> bool:
    """Whether *line* is no quotation but the rest of a folded `… <jo@example.org> wrote:`."""
    return bool(_TAIL.fullmatch(line))


def is_forwarding(line: str) -> bool:
    return bool(_FORWARDED.match(line.strip()[:_MAX_LINE]))


def is_above_quotation(lines: Sequence[str], at: int) -> bool:
    following = (line for line in lines[at + 1 : at + 5] if line.strip())
    return is_quoted(next(following, ""))


def attribution(lines: Sequence[str], end: int) -> int:
    """How many of the lines up to and with the one at *end* say who wrote what follows, and when.

    0 if they do not. Where what follows is not marked as quoted, they have to say more.
    """
    if not _ENDS.search(lines[end][-_MAX_ENDING:]):
        return 0
    enough = any if is_above_quotation(lines, end) else all
    text = ""
    for count in range(1, min(_MAX_ATTRIBUTION, end + 1) + 1):
        line = lines[end + 1 - count].strip()[:_MAX_LINE]
        if not line or (count > 1 and is_quoted(line)):
            return 0
        text = f"{line} {text}"
        signs = (_WROTE.search(text), "@" in text or _OPENS.match(text))
        if _WHEN.search(text) and enough(signs):
            return count
    return 0


def copied_header(lines: Sequence[str], at: int) -> bool:
    """Whether, with the line at *at*, the header of what is quoted begins, or a title above it."""
    line = lines[at].strip()[:_MAX_LINE]
    if _TITLE.match(line):
        return True
    if _RULE.fullmatch(line):
        return _has_fields(lines[at + 1 : at + 1 + _MAX_BLOCK])
    return _kind(line) == "from" and _has_fields(lines[at : at + _MAX_BLOCK])


def _has_fields(lines: Sequence[str]) -> bool:
    kinds = {_kind(line) for line in lines} - {""}
    return "from" in kinds and len(kinds) >= _ENOUGH


def _kind(line: str) -> str:
    label = _LABEL.match(line)
    return _KINDS.get(label[1].lower(), "") if label else ""
