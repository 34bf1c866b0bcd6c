"""Which parts are the text, which the HTML, and which are files: RFC 8621 section 4.1.4.

A body is often not one part: Apple Mail puts text around each image, lists append a footer, and
an alternative may be a multipart of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postroom.domain.mail.mime.parts import Part

PLAIN, HTML = "text/plain", "text/html"


@dataclass(slots=True)
class Bodies:
    """*text* and *html* hold the parts of each rendering in order, *files* all that is in none.

    A part that has no alternative is in both renderings, whatever its type.
    """

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


def find_bodies(root: Part) -> Bodies:
    bodies = Bodies()
    _sort((root,), "mixed", bodies.text, bodies.html, bodies.files, in_alternative=False)
    # Nonsense (an alternative in an alternative's other rendering) must not lose a part.
    placed = {*bodies.text, *bodies.html, *bodies.files}
    bodies.files += [leaf for leaf in root.leaves() if leaf not in placed]
    return bodies


def _sort(
    parts: Sequence[Part],
    kind: str,
    text: list[Part] | None,
    html: list[Part] | None,
    files: list[Part],
    *,
    in_alternative: bool,
) -> None:
    """`parseStructure` of RFC 8621, for *parts* of a multipart/*kind*; media are always files.

    *text* or *html* is None where an enclosing alternative has turned out to be the other one.
    """
    text_before, html_before = len(text or ()), len(html or ())
    for index, part in enumerate(parts):
        if part.children:
            inner = part.content_type.removeprefix("multipart/")
            nested = in_alternative or inner == "alternative"
            _sort(part.children, inner, text, html, files, in_alternative=nested)
            continue
        if not _is_body(part, kind, index):
            files.append(part)
            continue
        if in_alternative and kind != "alternative":
            text, html = (text, None) if part.content_type == PLAIN else (None, html)
        if text is not None and (kind != "alternative" or part.content_type == PLAIN):
            text.append(part)
        if html is not None and (kind != "alternative" or part.content_type == HTML):
            html.append(part)
    if kind == "alternative" and text is not None and html is not None:
        _share(text, text_before, html, html_before)


def _is_body(part: Part, kind: str, index: int) -> bool:
    """Whether *part* is to be read, rather than to be saved."""
    if part.content_type not in (PLAIN, HTML) or part.disposition == "attachment":
        return False
    return not index or (kind != "related" and not part.filename)


def _share(text: list[Part], text_before: int, html: list[Part], html_before: int) -> None:
    """An alternative with one rendering alone is the other one as well."""
    new_text, new_html = text[text_before:], html[html_before:]
    if not new_text:
        text += new_html
    elif not new_html:
        html += new_text
