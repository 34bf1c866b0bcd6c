"""A name for an attachment that is safe to show, to save and to send again."""

import re
import unicodedata

MAX_LENGTH = 120
_MAX_READ = 1_000  # characters: to put combining marks in order takes the square of their number

# Bidirectional controls make `gpj.exe` read as `exe.jpg`; format characters are not seen at all.
_FORBIDDEN = re.compile('[<>:"|?*\x00-\x1f\x7f-\x9f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")

_EXTENSIONS = {
    "application/gzip": "gz",
    "application/json": "json",
    "application/ms-tnef": "dat",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s",
    "application/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tiff",
    "image/webp": "webp",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "text/xml": "xml",
    "video/mp4": "mp4",
}


def safe_filename(filename: str, *, content_type: str, number: int) -> str:
    """*filename* without path, control, bidirectional or reserved characters; never empty.

    A part without a usable name is called by its *number* and type: `attachment-1.pdf`.
    """
    name = _shorten(re.split(r"[/\\]", filename)[-1], _MAX_READ)
    name = unicodedata.normalize("NFC", name)
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    name = _FORBIDDEN.sub("_", name).strip(" .")
    if not name.strip("_"):
        return f"attachment-{number}.{_extension(content_type)}"
    if _RESERVED.fullmatch(name):  # devices, on Windows
        name = f"_{name}"
    return _shorten(name, MAX_LENGTH)


def _extension(content_type: str) -> str:
    readable = content_type.startswith(("text/", "message/"))
    return _EXTENSIONS.get(content_type, "txt" if readable else "bin")


def _shorten(name: str, length: int) -> str:
    """At most *length* characters, the extension kept."""
    if len(name) <= length:
        return name
    stem, dot, extension = name.rpartition(".")
    suffix = dot + extension
    if not stem or not _EXTENSION.fullmatch(suffix):
        return name[:length].rstrip(" .")
    return stem[: length - len(suffix)].rstrip(" .") + suffix
