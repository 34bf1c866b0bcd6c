"""Well-formed HTML out of any, in linear time.

Parsing as browsers do takes time in the square of the nesting, and more where formatting is never
closed: one megabyte of `<div>` keeps nh3 busy for minutes, and 70 kB of `<b id=…><p>` become 87 MB.
So what it is given has been balanced first, with its nesting bounded. Nothing here decides what is
safe to show: that is the sanitiser's part.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice

MAX_DEPTH = 100
"""Elements within elements. Deeper ones are left out, not what is written in them."""

MAX_ATTRIBUTES = 30
MAX_REFERENCES = 10_000
"""Characters in one text or attribute that are written as references (nh3 is quadratic there)."""

# https://html.spec.whatwg.org/#tokenization. Each alternative matches as far as the end of the text
# if need be, and no repetition gives back what it took, so nothing is looked at twice.
_ATTRIBUTE = (
    r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""
)
_TOKEN = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|"
    rf"<(?P<slash>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[\s/]++|{_ATTRIBUTE})*+)(?:>|\Z)|"
    r"<[!?/][^>]*+(?:>|\Z)",
    re.DOTALL,
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_ATTRIBUTE_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9:_-]*")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,32};)")
_MANY_REFERENCES = re.compile(rf"(?:[&\xa0][^&\xa0]*+){{{MAX_REFERENCES}}}")

_VOID = {"br", "col", "hr", "img", "wbr"}
_BLOCKS = {
    "address", "article", "blockquote", "center", "details", "div", "dl", "figure", "footer",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "ol", "p", "pre", "section", "table", "ul",
}  # fmt: skip
_CELLS = {"p", "td", "th"}
_ROWS = {"tr", *_CELLS}
_GROUPS = {"tbody", "tfoot", "thead", *_ROWS}
_ENDS = dict.fromkeys(_BLOCKS, frozenset({"p"})) | {
    "dd": {"dd", "dt", "p"},
    "dt": {"dd", "dt", "p"},
    "li": {"li", "p"},
    "td": _CELLS,
    "th": _CELLS,
    "tr": _ROWS,
    "tbody": _GROUPS,
    "tfoot": _GROUPS,
    "thead": _GROUPS,
}
"""What a start tag ends if it comes right within it, since its end tag may be left out."""

_CELL_EDGE = {"caption", "table", "td", "th"}
_TABLE_PARTS = {"caption", "colgroup", *_GROUPS} - {"p"}


def balance(html: str, *, tags: AbstractSet[str], dropped: AbstractSet[str]) -> str:
    """*html* with elements of *tags* alone, each closed within the one that it was opened in.

    Elements of *dropped* are left out with all that is in them, of others just their tags.
    """
    balancer = _Balancer(tags)
    endless: set[str] = set()
    position = 0
    while token := _TOKEN.search(html, position):
        balancer.text(html[position : token.start()])
        position = token.end()
        name = (token["name"] or "").lower()
        if token["slash"]:
            balancer.close(name)
        elif name not in dropped:
            balancer.open(name, token["attributes"])
        elif name not in endless:
            end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, position)
            position = end.start() if end else position
            if not end:  # nor will there be one for the next of its name
                endless.add(name)
    balancer.text(html[position:])
    return balancer.end()


@dataclass(slots=True)
class _Balancer:
    tags: AbstractSet[str]
    output: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def text(self, text: str) -> None:
        escaped = _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;")
        self.output.append(_MANY_REFERENCES.sub(r"\g<0><wbr>", escaped))

    def open(self, name: str, attributes: str) -> None:
        while self.stack and self.stack[-1] in _ENDS.get(name, ()):
            self._pop()
        if name not in self.tags or (len(self.stack) >= MAX_DEPTH and name not in _VOID):
            return
        self.output.append(f"<{name}{_attributes(attributes)}>")
        if name not in _VOID:
            self.stack.append(name)

    def close(self, name: str) -> None:
        """End the innermost *name*, unless a table or its cell stands between."""
        edge = {"table"} if name in _TABLE_PARTS else _CELL_EDGE
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] == name:
                while len(self.stack) > depth:
                    self._pop()
                return
            if self.stack[depth] in edge and name != "table":
                return

    def end(self) -> str:
        while self.stack:
            self._pop()
        return "".join(self.output)

    def _pop(self) -> None:
        self.output.append(f"</{self.stack.pop()}>")


def _attributes(text: str) -> str:
    """As they came, but quoted."""
    found = ((match[1], _unquote(match[2] or "")) for match in _ATTRIBUTES.finditer(text))
    return "".join(
        f' {name}="{value.replace(chr(34), "&quot;")}"'
        for name, value in islice(found, MAX_ATTRIBUTES)
        if _ATTRIBUTE_NAME.fullmatch(name) and not _MANY_REFERENCES.search(value)
    )


def _unquote(value: str) -> str:
    quote = value[:1]
    return value[1:].removesuffix(quote) if quote in ('"', "'") else value
