"""Microsoft Graph's notifications: of new messages, and of the life of the subscriptions.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks: answer within 3 seconds,
202 for what is queued; after a 5xx the whole batch is sent again, for up to 4 hours.
"""

from postroom.entrypoints.api.microsoft.endpoints import routes

__all__ = ["routes"]
