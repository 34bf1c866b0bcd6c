"""Opens what others have encrypted for us."""

from collections.abc import Callable

from postroom.adapters.crypto import FernetCipher
from postroom.domain.account import Secret
from postroom.entrypoints.settings import Settings


def unsealing(settings: Settings) -> Callable[[str], Secret]:
    """Opens a Fernet token of one of `secret_keys`; raises AccessFailed, UnicodeDecodeError."""
    cipher = FernetCipher([key.get_secret_value() for key in settings.secret_keys])

    def unseal(token: str) -> Secret:
        return Secret(cipher.decrypt(token.encode()).decode())

    return unseal
