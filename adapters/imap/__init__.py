"""IMAP mailboxes: folders are watched, and messages fetched, on aioimaplib's protocol.

Read-only throughout: folders are opened by EXAMINE and bodies fetched by BODY.PEEK, so that no
message is ever marked as seen by us.
"""
