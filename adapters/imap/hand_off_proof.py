"""What proves that a hand-off is of its tenant: a signature, or, for old senders, a header."""

import hmac
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

from postroom.adapters.http.standard_webhooks import (
    InvalidSecret,
    InvalidSignature,
    key_of,
    verify,
)
from postroom.application.ports import Clock, SenderProof, WebhookNotConfigured, WebhookRequest
from postroom.domain.failure import Unavailable

TENANT = "Postroom-Tenant"
STATIC_HEADER = "x-imap-webhook-secret"
SHORTEST = 16
"""Characters of a secret that is sent as it is."""


class Proof(Protocol):
    """Whether a request is of the *tenant* that it names."""

    @property
    @abstractmethod
    def description(self) -> SenderProof:
        """For the OpenAPI description."""

    @abstractmethod
    def check(self, tenant: str, request: WebhookRequest) -> None:
        """Return if it is.

        Raises InvalidSignature, WebhookNotConfigured or Unavailable (the tenant has no secret).
        """


class Signature(Proof):
    """*secrets*: `whsec_…` by tenant. Raises InvalidSecret."""

    def __init__(self, secrets: Mapping[str, str], clock: Clock) -> None:
        self._keys = _named(key_of, secrets)
        self._clock = clock

    @property
    def description(self) -> SenderProof:
        return SenderProof(
            "Standard Webhooks, version 1, with the secret of the tenant that the header"
            f" {TENANT} names.",
            header="webhook-signature",
        )

    def check(self, tenant: str, request: WebhookRequest) -> None:
        if tenant not in self._keys:
            raise WebhookNotConfigured(
                f"The tenant that the header {TENANT} names has no secret in"
                " POSTROOM_HANDOFF_SECRETS."
            )
        verify(
            self._keys[tenant],
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            body=request.body,
            now=self._clock.now(),
        )


class StaticHeader(Proof):
    """The secret itself stands in a header, as senders of another system have it.

    It proves nothing about the body: whoever has seen one request can send others, as often and as
    late as they like. What they can have done is that pointers of the tenant are queued; a message
    is handled once, whoever points at it. Raises InvalidSecret.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = _named(_long_enough, secrets)

    @property
    def description(self) -> SenderProof:
        return SenderProof(
            f"The secret of the tenant that the header {TENANT} names, as it is. Compatibility with"
            " another system: it proves nothing about the body.",
            header=STATIC_HEADER,
        )

    def check(self, tenant: str, request: WebhookRequest) -> None:
        if tenant not in self._secrets:
            raise Unavailable("POSTROOM_HANDOFF_SECRETS has no secret of the tenant")
        shown = request.headers.get(STATIC_HEADER, "").encode("latin-1", "replace")  # as it came
        if not shown:
            raise InvalidSignature(f"{STATIC_HEADER} is missing")
        if not hmac.compare_digest(shown, self._secrets[tenant]):
            raise InvalidSignature(f"{STATIC_HEADER} is wrong")


def _long_enough(secret: str) -> bytes:
    if len(secret) < SHORTEST:
        raise InvalidSecret(f"use at least {SHORTEST} random characters")
    return secret.encode()


def _named(read: Callable[[str], bytes], secrets: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {tenant: read(secret) for tenant, secret in secrets.items()}
    except InvalidSecret as error:
        raise InvalidSecret(f"POSTROOM_HANDOFF_SECRETS: {error}") from None
