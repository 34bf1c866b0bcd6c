"""Gmail and Pub/Sub: reading messages and history, and proving who pushed a notice."""

from adapters.google.client import GmailClient
from adapters.google.fetcher import GmailFetcher
from adapters.google.history import GmailHistory
from adapters.google.push import GooglePushVerifier

__all__ = ["GmailClient", "GmailFetcher", "GmailHistory", "GooglePushVerifier"]
