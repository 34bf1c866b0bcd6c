import re
from html import escape, unescape

from postroom.application.ports import HtmlSanitiser

_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<img\b[^>]*?\bsrc=[\"']?(cid:[^\"'\s>]+)[^>]*>|<[a-z/!?][^>]*>", re.IGNORECASE)


class PlainSanitiser(HtmlSanitiser):
    """Shows the text, escaped, and the images that came with the message; and not one tag more."""

    def __call__(self, html: str) -> str:
        # Texts, and between each two the source of our image, or None for any other tag.
        pieces = _TAG.split(_HIDDEN.sub("", html))
        shown = [escape(unescape(piece or "")) for piece in pieces]
        shown[1::2] = [f'<img src="{source}">' if source else "" for source in shown[1::2]]
        return "".join(shown)
