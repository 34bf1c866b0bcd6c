"""A small Gmail, with Google's token endpoint and Pub/Sub, for tests and the demo."""

from postroom.entrypoints.emulators.gmail.emulator import GmailEmulator
from postroom.entrypoints.emulators.gmail.subscriptions import PushSubscription, Subscription
from postroom.entrypoints.emulators.gmail.topics import TOPIC
from postroom.entrypoints.emulators.gmail.watches import SHORTEST_GAP
from postroom.entrypoints.emulators.gmail.wire import GoogleError

__all__ = [
    "SHORTEST_GAP",
    "TOPIC",
    "GmailEmulator",
    "GoogleError",
    "PushSubscription",
    "Subscription",
]
