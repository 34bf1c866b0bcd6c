"""Authentication-Results fields (RFC 8601 section 2.2).

They quote what strangers chose: an address in a quoted string, a host name in a comment. So those
are told apart before anything is looked for, and the value is read as it was sent: an encoded word
would not be decoded by the server that wrote it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|\\.|[();]|[^"\\();]++|\\', re.DOTALL)
_SYNTAX = re.compile(r'[\s=;"]+')  # which means nothing in a quoted string


@dataclass(frozen=True, slots=True)
class Result:
    """What one *method* found. *properties* are named as `smtp.mailfrom`, in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]
    comment: str


def read_results(value: str) -> tuple[str, list[Result]]:
    """The id of the server, in lower case, and its results; some servers write no id."""
    server, results = "", []
    for number, (text, comment) in enumerate(_segments(value)):
        pairs = [_pair(word) for word in _words(text) if "=" in word]
        if not number and not pairs:
            server = next(iter(text.split()), "").lower()
        elif pairs:
            (method, result), *properties = pairs
            results.append(
                Result(method.partition("/")[0], result.lower(), dict(properties[::-1]), comment)
            )
    return server, results


def _segments(value: str) -> Iterator[tuple[str, str]]:
    """What stands between semicolons, and the comments in it."""
    text: list[str] = []
    comment: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(value):
        piece = match[0]
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
            text.append(" ")
        elif depth:
            comment.append(piece)
        elif piece == ";":
            yield "".join(text), "".join(comment)
            text, comment = [], []
        else:
            text.append(_SYNTAX.sub("", piece) if piece.startswith('"') else piece)
    yield "".join(text), "".join(comment)


def _words(text: str) -> list[str]:
    """Words, and `name=value` as one word however it is spaced."""
    spaced = " ".join(text.split())
    return spaced.replace(" = ", "=").replace("= ", "=").replace(" =", "=").split()


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name.lower(), value
