"""What a file is by its first bytes, whatever its sender calls it."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),  # and what is built on it: .docx, .xlsx, .jar
    (b"PK\x05\x06", "application/zip"),  # an empty one
)


def detected_type(content: bytes) -> str | None:
    """The type of *content*, or None if it is none of those that can be known for sure."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if content.startswith(start)), None)
