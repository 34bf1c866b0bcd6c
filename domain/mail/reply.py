"""What somebody answered, apart from what their program quoted below or above it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

from postroom.domain.mail.message import Message
from postroom.domain.mail.quotations import (
    attribution,
    copied_header,
    ends_attribution,
    is_above_quotation,
    is_forwarding,
    is_quoted,
)

MAX_SIGNATURE = 15
"""Lines after `-- ` that may be one: what is longer is text below a line of dashes."""

_ANSWER = re.compile(
    r"(?:re|aw|antw|sv|vs|ref|res|odp|ynt|rif|r|回复|答复|回覆|返信)(?:\[\d{1,3}\])?\s?[:：]",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"(?:fwd?|wg|tr|rv|i|enc|vb|转发|轉寄)\s?[:：]", re.IGNORECASE)
_DASHES = re.compile(r"--\s?|—\s?")
_DEVICE = re.compile(
    r"\(?(?:sent (?:from|via|with)|get \[?outlook for|von meinem|gesendet (?:von|mit)"
    r"|diese nachricht wurde von meinem|envoyé (?:de|depuis)|enviado (?:desde|do|de)"
    r"|inviato da|verzonden (?:met|vanaf)|skickat från|sendt fra|wysłane z"
    r"|отправлено (?:с|из)|lähetetty)\b.{0,80}",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:below|inline|in-line|in (?:red|blue|green|bold)|see above|unten|ci-dessous|siehe oben"
    r"|más abajo|abajo|qui sotto|hieronder|nedan|nedenfor)\b",
    re.IGNORECASE,
)


class _Is(Enum):
    TEXT = auto()
    QUOTED = auto()
    SIGNATURE = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """Each line that is not blank is in one of them, in order. *is_sure* if *text* is all there is.

    Where it is not, somebody may have written between the lines, and the whole text must be shown.
    """

    text: str
    quoted: str
    signature: str
    is_sure: bool


def answers(message: Message) -> bool:
    """Whether *message* says that it answers another."""
    return bool(message.references or _ANSWER.match(message.subject))


def split_reply(text: str, *, subject: str = "") -> Reply:
    """*text* in its parts; a forwarded message is never surely split."""
    lines = text.split("\n")
    marks, is_clear = _quotations(lines)
    _mark_signatures(lines, marks)
    own = _lines(lines, marks, _Is.TEXT)
    quoted = _lines(lines, marks, _Is.QUOTED)
    is_sure = not quoted or (
        is_clear
        and _stretches(lines, marks) == 1
        and not _FORWARD.match(subject)
        and not any(map(is_forwarding, lines))
        and not _goes_on_elsewhere(own)
    )
    return Reply(own, quoted, _lines(lines, marks, _Is.SIGNATURE), is_sure)


def _goes_on_elsewhere(own: str) -> bool:
    """Whether it points at what is quoted, or ends like a greeting, with its sentences below."""
    return bool(_ELSEWHERE.search(own)) or own.rstrip().endswith((",", ":"))


def _quotations(lines: Sequence[str]) -> tuple[list[_Is], bool]:
    """What each line is, and whether all that is quoted is marked as such beyond doubt."""
    marks = [_Is.QUOTED if is_quoted(line) else _Is.TEXT for line in lines]
    for at, line in enumerate(lines):
        if not line.strip() or (marks[at] is _Is.QUOTED and not ends_attribution(line)):
            continue
        if copied_header(lines, at) or is_forwarding(line):
            marks[at:] = [_Is.QUOTED] * (len(lines) - at)
            return marks, True
        if count := attribution(lines, at):
            marks[at + 1 - count : at + 1] = [_Is.QUOTED] * count
            if not is_above_quotation(lines, at):
                marks[at:] = [_Is.QUOTED] * (len(lines) - at)
                return marks, False
    return marks, True


def _mark_signatures(lines: Sequence[str], marks: list[_Is]) -> None:
    """In each stretch of text, what follows dashes, or is the mark of a device at its end."""
    for begin, end in _spans(marks):
        filled = [at for at in range(begin, end) if lines[at].strip()]
        dashes = [at for at in filled if _DASHES.fullmatch(lines[at])]
        devices = [at for at in filled[-2:] if _DEVICE.fullmatch(lines[at].strip())]
        start = min([*dashes[-1:], *devices], default=end)
        if sum(at > start for at in filled) <= MAX_SIGNATURE:
            marks[start:end] = [_Is.SIGNATURE] * (end - start)


def _spans(marks: Sequence[_Is]) -> list[tuple[int, int]]:
    spans, at = [], 0
    for mark, group in groupby(marks):
        length = len(list(group))
        if mark is _Is.TEXT:
            spans.append((at, at + length))
        at += length
    return spans


def _stretches(lines: Sequence[str], marks: Sequence[_Is]) -> int:
    """How many stretches of text there are, with something quoted between them."""
    filled = (mark for line, mark in zip(lines, marks, strict=True) if line.strip())
    relevant = (mark for mark in filled if mark is not _Is.SIGNATURE)
    return sum(mark is _Is.TEXT for mark, _ in groupby(relevant))


def _lines(lines: Sequence[str], marks: Iterable[_Is], wanted: _Is) -> str:
    """Those that are *wanted*, without blank ones around them."""
    chosen = [line for line, mark in zip(lines, marks, strict=True) if mark is wanted]
    filled = [at for at, line in enumerate(chosen) if line.strip()]
    return "\n".join(chosen[filled[0] : filled[-1] + 1]) if filled else ""
