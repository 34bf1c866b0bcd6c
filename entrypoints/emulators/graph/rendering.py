"""Messages and folders, as Graph writes them in JSON.

Source: learn.microsoft.com/graph/api/resources/message and /graph/api/resources/mailfolder.
"""

from email import message_from_bytes
from email.message import Message
from email.policy import default
from email.utils import getaddresses

from postroom.entrypoints.emulators.graph.folders import ROOT, Folder
from postroom.entrypoints.emulators.graph.mailboxes import Mailboxes, StoredMessage, User
from postroom.entrypoints.emulators.graph.wire import Json, exchange_id


def message_body(stored: StoredMessage, *, immutable: bool) -> Json:
    headers = message_from_bytes(stored.raw, policy=default)
    senders = _recipients(headers, "From")
    received = f"{stored.received_at:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "@odata.etag": f'W/"{exchange_id("CQAAAB", stored.immutable_id, stored.version)[:40]}"',
        "id": stored.id_of_kind(immutable=immutable),
        "createdDateTime": received,
        "receivedDateTime": received,
        "subject": str(headers.get("Subject", "")),
        "internetMessageId": str(headers.get("Message-ID", "")),
        "parentFolderId": stored.folder.id,
        "from": senders[0] if senders else None,
        "sender": senders[0] if senders else None,
        "toRecipients": _recipients(headers, "To"),
        "isDraft": False,
        "isRead": stored.is_read,
    }


def folder_body(mailboxes: Mailboxes, owner: User, folder: Folder) -> Json:
    messages = mailboxes.messages(owner, folder)
    return {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent.id if folder.parent else exchange_id("AQMkA", owner, ROOT),
        "childFolderCount": len(mailboxes.folders(owner).children(folder)),
        "unreadItemCount": sum(not each.is_read for each in messages),
        "totalItemCount": len(messages),
        "sizeInBytes": sum(len(each.raw) for each in messages),
        "isHidden": False,
    }


def _recipients(headers: Message, name: str) -> list[Json]:
    pairs = getaddresses([str(value) for value in headers.get_all(name, [])])
    return [
        {"emailAddress": {"name": words or address, "address": address}} for words, address in pairs
    ]
