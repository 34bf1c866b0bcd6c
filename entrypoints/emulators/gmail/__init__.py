"""A small Gmail, with Google's token endpoint and Pub/Sub's push, for tests and the demo."""

from postroom.entrypoints.emulators.gmail.emulator import GmailEmulator
from postroom.entrypoints.emulators.gmail.pubsub import PushSubscription
from postroom.entrypoints.emulators.gmail.wire import GoogleError

__all__ = ["GmailEmulator", "GoogleError", "PushSubscription"]
