"""Labels: those that every mailbox has, and how one is shown.

Source: https://developers.google.com/workspace/gmail/api/guides/labels.
"""

from postroom.entrypoints.emulators.gmail.wire import Json

SYSTEM_LABELS = (
    "CHAT", "DRAFT", "IMPORTANT", "INBOX", "SENT", "SPAM", "STARRED", "TRASH", "UNREAD",
    "CATEGORY_FORUMS", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL",
    "CATEGORY_UPDATES",
)  # fmt: skip

FIXED_LABELS = frozenset({"CHAT", "DRAFT", "SENT"})
"""Gmail alone sets them."""


def label_body(label: str, name: str) -> Json:
    if label in SYSTEM_LABELS:
        return {"id": label, "name": name, "type": "system"}
    return {
        "id": label,
        "name": name,
        "type": "user",
        "labelListVisibility": "labelShow",
        "messageListVisibility": "show",
    }
