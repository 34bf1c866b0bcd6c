"""The bodies of handovers, encrypted or not: what was stored plain is read as it is."""

from collections.abc import Sequence

from postroom.adapters.crypto.sealing import Sealing, is_sealed


class BodySeal:
    """*keys* are POSTROOM_SECRET_KEYS; with *encrypts* False new bodies are stored as they are."""

    def __init__(self, keys: Sequence[str], *, encrypts: bool) -> None:
        self._sealing = Sealing(keys, purpose="handover body")
        self._encrypts = encrypts

    def seal_body(self, tenant: str, application: str, key: str, body: bytes) -> bytes:
        """*body*, compressed already if it is to be: what is sealed cannot be."""
        if not self._encrypts:
            return body
        return self._sealing.seal(body, _context(tenant, application, key))

    def open_body(self, tenant: str, application: str, key: str, stored: bytes) -> bytes:
        """Raises StoreUnavailable."""
        if not is_sealed(stored):
            return stored
        return self._sealing.open(stored, _context(tenant, application, key))


def _context(tenant: str, application: str, key: str) -> str:
    return f"{tenant}\x1f{application}\x1f{key}"
