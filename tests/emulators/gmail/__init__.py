"""A small Gmail, with Google's token end point and Pub/Sub's push, for tests and the demo."""

from tests.emulators.gmail.emulator import GmailEmulator
from tests.emulators.gmail.pubsub import PushSubscription
from tests.emulators.gmail.wire import GoogleError

__all__ = ["GmailEmulator", "GoogleError", "PushSubscription"]
