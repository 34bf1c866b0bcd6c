"""The face for scripts: what happens in the mailboxes."""

from postroom.entrypoints.emulators.graph.folders import Folder
from postroom.entrypoints.emulators.graph.mailboxes import StoredMessage, User
from postroom.entrypoints.emulators.graph.script import Script


class MailScript(Script):
    """Messages are named by their immutable ids, or by any other id that they have.

    A folder is named by its well-known name, its id, or its path from the top: `Inbox/Orders`.
    """

    def add_folder(self, user: str, path: str) -> str:
        """Make a folder, and those above it where they are missing; gives its id."""
        mailboxes = self._backend.mailboxes
        return mailboxes.folders(mailboxes.add_user(user)).at(path).id

    def share(self, mailbox: str, user: str) -> None:
        """Let *user* read a mailbox that is not their own; it is made if need be."""
        mailboxes = self._backend.mailboxes
        mailboxes.share(mailboxes.add_user(mailbox), user)

    def remove_folder(self, user: str, folder: str) -> None:
        """With its messages and all that is below it."""
        mailboxes = self._backend.mailboxes
        owner = mailboxes.user(user)
        folders, removed = mailboxes.folders(owner), self._folder(owner, folder)
        folders.remove(removed)
        for message in mailboxes.messages(owner):
            if not folders.has(message.folder):
                mailboxes.delete(message)

    def deliver(self, user: str, raw: bytes, folder: str = "inbox") -> str:
        """Put a message into a mailbox, which is made if need be; gives its immutable id."""
        mailboxes = self._backend.mailboxes
        owner = mailboxes.add_user(user)
        message = mailboxes.deliver(owner, raw, self._folder(owner, folder), self._clock.now())
        return message.immutable_id

    def default_id(self, message_id: str) -> str:
        """The id that the message has just now."""
        return self._message(message_id).id

    def move(self, message_id: str, folder: str) -> None:
        message = self._message(message_id)
        self._backend.mailboxes.move(message, self._folder(message.user, folder))

    def mark_read(self, message_id: str) -> None:
        self._backend.mailboxes.mark_read(self._message(message_id))

    def rebuild(self, message_id: str) -> None:
        """From now on its MIME has other bytes: Graph builds that of what it has stored."""
        message = self._message(message_id)
        message.raw = b"X-Built: %d\r\n%b" % (len(message.raw), message.raw)

    def delete(self, message_id: str) -> None:
        """For good; to throw a message away, move it to `deleteditems`."""
        self._backend.mailboxes.delete(self._message(message_id))

    def _message(self, message_id: str) -> StoredMessage:
        return self._backend.mailboxes.by_any_id(message_id)

    def _folder(self, owner: User, name: str) -> Folder:
        folders = self._backend.mailboxes.folders(owner)
        return folders.at(name) if "/" in name else folders.find(name)
