"""HTML made safe to show, where it is short enough for that."""

from postroom.application.ports import HtmlSanitiser, Kind, Offload

MAX_HTML = 2**20
"""Characters. Longer HTML is in the original alone: no browser shows it well, and no sanitiser is
quick with all that can be written in it."""


async def sanitised(html: str, sanitise: HtmlSanitiser, offload: Offload) -> str | None:
    """None if there is no *html*, or more than MAX_HTML of it."""
    if not html or len(html) > MAX_HTML:
        return None
    return await offload(Kind.HTML, sanitise, html, size=len(html))
