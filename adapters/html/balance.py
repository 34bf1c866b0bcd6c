"""Well-formed HTML out of any, in linear time.

Parsing as browsers do takes time in the square of the nesting, and more where formatting is never
closed: one megabyte of `<div>` keeps nh3 busy for minutes, and 70 kB of `<b id=…><p>` become 87 MB.
So what it is given has been balanced first, with its nesting bounded. Nothing here decides what is
safe to show: that is the sanitiser's part.
"""

import re
from collections.abc import Iterator
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
_REFERENCE = re.compile("[&\xa0]")

_SPACE = " \t\n\f\r"
_VOID = {"br", "col", "hr", "img", "wbr"}

# Start tags that end a paragraph, an item or a link, however deep in it they come. Where that is
# left to nh3, it opens all that was open in it once more, each time.
# https://html.spec.whatwg.org/#parsing-main-inbody
_ENDS_PARAGRAPH = {
    "address", "article", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre",
    "section", "summary", "table", "ul",
}  # fmt: skip
_ITEMS = {"li": {"li"}, "dd": {"dd", "dt"}, "dt": {"dd", "dt"}}
_ITEM_EDGE = _ENDS_PARAGRAPH - {"address", "div", "p"}
_TABLE = {"table"}
"""Nothing without ends what is within, nor the other way about."""

_GROUPS = {"tbody", "tfoot", "thead"}
_PARENTS = {
    "caption": {"table"},
    "colgroup": {"table"},
    "col": {"colgroup", "table"},
    **{group: {"table"} for group in _GROUPS},
    "tr": {"table", *_GROUPS},
    "td": {"table", "tr", *_GROUPS},
    "th": {"table", "tr", *_GROUPS},
}
"""The parts of a table, and what each may stand in; the parser makes up a row or group between."""

_BETWEEN_CELLS = {"colgroup", "table", "tr", *_GROUPS}


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
        if text.strip(_SPACE):
            self._into_cell()
        escaped = _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;")
        self.output.append("<wbr>".join(_split(escaped)))

    def open(self, name: str, attributes: str) -> None:
        if name not in self.tags:
            return
        if name in _PARENTS:
            if "table" not in self.stack:
                return
            self._into_parent(name)
        else:
            self._into_cell()
            self._end_what_ends(name)
            if len(self.stack) >= MAX_DEPTH and name not in _VOID:
                return
        self.output.append(f"<{name}{_attributes(attributes)}>")
        if name not in _VOID:
            self.stack.append(name)

    def close(self, name: str) -> None:
        """End the innermost *name* with all that is in it, unless a table stands between."""
        self._pop_through({name}, _TABLE)

    def end(self) -> str:
        while self.stack:
            self._pop()
        return "".join(self.output)

    def _into_parent(self, name: str) -> None:
        while self.stack[-1] not in _PARENTS[name]:
            self._pop()

    def _into_cell(self) -> None:
        """Make up a cell for what stands in a table but in no cell; a browser moves it out."""
        if self.stack and self.stack[-1] in _BETWEEN_CELLS:
            self.open("td", "")

    def _end_what_ends(self, name: str) -> None:
        if name in _ITEMS:
            self._pop_through(_ITEMS[name], _ITEM_EDGE)
        if name in _ENDS_PARAGRAPH:
            self._pop_through({"p"}, _TABLE)
        elif name == "a":  # there are no links within links
            self._pop_through({"a"}, _TABLE)

    def _pop_through(self, names: AbstractSet[str], edge: AbstractSet[str]) -> None:
        """End the innermost of *names* with all that is in it, unless an *edge* is met before."""
        if names.isdisjoint(self.stack):  # which is mostly so, and is known much sooner
            return
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] in names:
                while len(self.stack) > depth:
                    self._pop()
                return
            if self.stack[depth] in edge:
                return

    def _pop(self) -> None:
        self.output.append(f"</{self.stack.pop()}>")


def _split(text: str) -> Iterator[str]:
    """*text* in pieces of at most MAX_REFERENCES references."""
    references = (match.start() for match in _REFERENCE.finditer(text))
    start = 0
    for end in islice(references, MAX_REFERENCES, None, MAX_REFERENCES):
        yield text[start:end]
        start = end
    yield text[start:]


def _attributes(text: str) -> str:
    """As they came, but quoted."""
    found = ((match[1], _unquote(match[2] or "")) for match in _ATTRIBUTES.finditer(text))
    return "".join(
        f' {name}="{value.replace(chr(34), "&quot;")}"'
        for name, value in islice(found, MAX_ATTRIBUTES)
        if _ATTRIBUTE_NAME.fullmatch(name)
        and value.count("&") + value.count("\xa0") <= MAX_REFERENCES
    )


def _unquote(value: str) -> str:
    quote = value[:1]
    return value[1:].removesuffix(quote) if quote in ('"', "'") else value
