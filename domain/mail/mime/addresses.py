"""Address lists (RFC 5322 section 3.4), from senders who have not read it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from postroom.domain.mail.message import Address
from postroom.domain.mail.mime.encoded_words import decode_words

# The bound on quoted pairs keeps time linear where a quotation is begun again and again.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.){0,100}+"|<[^<>]*+>?+|\\.|[^"<(),:;\\]++|.')
_WORD = re.compile(r'(?:"[^"]*+"?+|[^\s"])++')
_COMMENT = re.compile(r"\([^()]*+\)")
_NOBODY = Address("", "")
_ESCAPED = re.compile(r"\\(.)")


def read_addresses(value: str) -> tuple[Address, ...]:
    """The addresses in *value*, those of groups included; of a mere name, the name.

    A name with a bare comma (`Doe, Jane <jane@example.org>`) is one name, not two addresses.
    """
    if "=?" in value and "@" not in value:  # all of it in encoded words
        value = decode_words(value)
    reader = _Reader()
    for piece in _tokens(value):
        reader.feed(piece)
    reader.end_entry()
    reader.end_names()
    return tuple(reader.found)


def _tokens(value: str) -> Iterator[str]:
    """Quoted strings, angle addresses, separators, words, and whole comments as `(text`."""
    depth = 0
    comment: list[str] = []
    for match in _TOKEN.finditer(value):
        piece = match[0]
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
            if not depth:
                yield "(" + "".join(comment)
                comment.clear()
        elif depth:
            comment.append(_ESCAPED.sub(r"\1", piece))
        else:
            yield piece
    yield from comment  # it was never closed, and may have swallowed the address


@dataclass(slots=True)
class _Reader:
    """Collects one entry at a time; *names* came before a comma and were no address yet."""

    found: list[Address] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    comment: str = ""
    angle: str = ""

    def feed(self, piece: str) -> None:
        match piece[0]:
            case "<":
                if self.angle:  # two addresses without a comma between
                    self.end_entry()
                self.angle = piece
            case "(":
                self.comment = piece[1:]
            case "," | ";":
                self.end_entry()
            case ":":  # so far it was the name of a group
                self.words.clear()
                self.names.clear()
            case _:
                self.words.append(piece)

    def end_entry(self) -> None:
        text = "".join(self.words)
        if self.angle:
            spoken = "".join(_unquote(word) for word in self.words)
            name = ", ".join([*self.names, spoken]) if spoken.strip() else self.comment
            self.names.clear()
            self.add(name, _COMMENT.sub("", self.angle.strip("<>")))
        elif "@" in text:
            self.end_names()
            self.add_bare(text)
        elif text.strip():
            self.names.append("".join(_unquote(word) for word in self.words).strip())
        self.words.clear()
        self.comment = self.angle = ""

    def add_bare(self, text: str) -> None:
        """Addresses without brackets: `jane@example.org`, but `Jane Doe jane@example.org` too."""
        words = _WORD.findall(" ".join(text.split()).replace(" @", "@").replace("@ ", "@"))
        emails = [word for word in words if "@" in word]
        spoken = " ".join(_unquote(word) for word in words if "@" not in word)
        for email in emails:
            self.add((spoken or self.comment) if len(emails) == 1 else "", email)

    def end_names(self) -> None:
        """What turned out to be names alone."""
        if self.names:
            self.add(", ".join(self.names), "")
            self.names.clear()

    def add(self, name: str, email: str) -> None:
        address = Address(_clean(name), _email(email))
        if address != _NOBODY:
            self.found.append(address)


def _unquote(word: str) -> str:
    return _ESCAPED.sub(r"\1", word[1:-1]) if word.startswith('"') and len(word) > 1 else word


def _clean(name: str) -> str:
    return " ".join(decode_words(name).split())


def _email(text: str) -> str:
    """Without the route of RFC 822 (`@a,@b:user@host`), and white space but in a quotation."""
    bare = text.strip() if '"' in text else "".join(text.split())
    return bare.rpartition(":")[2] if bare.startswith("@") else bare
