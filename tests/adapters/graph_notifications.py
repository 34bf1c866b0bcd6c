"""What Graph posts: notifications of a new message, and of the life of a subscription."""

SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
CLIENT_STATE = "state-that-nobody-guesses"

OTHER = "11111111-2dc5-4530-97cd-4e7ae6534c07"
"""The id of another subscription than SUBSCRIPTION."""


def notification(message: str = "AAMkAD", **changes: object) -> dict[str, object]:
    """As in Microsoft's documentation of change notifications."""
    return {
        "id": "lsgTZMr9KwAAA",
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2030-01-08T22:11:09.952Z",
        "clientState": CLIENT_STATE,
        "changeType": "created",
        "resource": f"users/622eaaff-0683-4862-9de4-f2ec83c2bd98/messages/{message}",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": f"Users/622eaaff/Messages/{message}",
            "@odata.etag": 'W/"CQAAABYAAADkrWGo7bouTKlsgTZMr9KwAAAUWRHf"',
            "id": message,
        },
        **changes,
    }


def event(name: object = "missed", **changes: object) -> dict[str, object]:
    """As in Microsoft's documentation of lifecycle notifications."""
    return {
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2030-01-08T22:11:09.952Z",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "clientState": CLIENT_STATE,
        "lifecycleEvent": name,
        **changes,
    }
