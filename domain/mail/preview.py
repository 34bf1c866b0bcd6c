"""The first words of a message, to be shown in a list (RFC 8621 section 4.1.4)."""

MAX_PREVIEW = 256
"""Characters, as RFC 8621 has it."""

_LOOKED_AT = 20_000


def preview_of(text: str) -> str:
    """The beginning of *text* on one line: of what the sender quotes only if there is no more."""
    beginning = text[:_LOOKED_AT]
    own = (line for line in beginning.split("\n") if not line.startswith(">"))
    words = " ".join(" ".join(own).split()) or " ".join(beginning.split())
    return words if len(words) <= MAX_PREVIEW else words[: MAX_PREVIEW - 1].rstrip() + "…"
