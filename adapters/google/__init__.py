"""Gmail and Pub/Sub: reading messages and history, and proving who pushed a notification."""

from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.fetcher import GmailFetcher
from postroom.adapters.google.history import GmailHistory
from postroom.adapters.google.push import GooglePushVerifier

__all__ = ["GmailClient", "GmailFetcher", "GmailHistory", "GooglePushVerifier"]
