"""The face for scripts: who may sign in to the first application, and how."""

from postroom.entrypoints.emulators.graph.script import Script
from postroom.entrypoints.emulators.graph.wire import CLIENT_ID, DIRECTORY, GraphError


class SignInScript(Script):
    def certify(self, certificate: bytes) -> None:
        """Let the application sign in by a certificate (PEM), and no longer by a secret."""
        self._backend.directories.certify(DIRECTORY, CLIENT_ID, certificate)

    def refuse_public_clients(self) -> None:
        """Let nobody sign in to the application without its own credentials."""
        self._backend.directories.refuse_public_clients(DIRECTORY, CLIENT_ID)

    def consent(self, user: str) -> str:
        """A refresh token of *user*, as if they had signed in."""
        return self._backend.directories.consent(DIRECTORY, CLIENT_ID, user)

    def accepts(self, token: str) -> bool:
        """Whether Graph takes the access token."""
        try:
            self._backend.directories.check(f"Bearer {token}")
        except GraphError:
            return False
        return True

    def revoke_refresh_token(self, token: str) -> None:
        self._backend.directories.revoke_refresh_token(token)

    def expect_device(self, user: str, *answers: str) -> None:
        """Who signs in with the next device code, after its polls were given these errors."""
        self._backend.directories.expect_device(user, *answers)

    @property
    def refresh_tokens(self) -> list[str]:
        """Those that are valid."""
        return self._backend.directories.refresh_tokens

    @property
    def scopes(self) -> list[str]:
        """What the requests for tokens asked for."""
        return self._backend.directories.scopes

    @property
    def device_polls(self) -> int:
        return self._backend.directories.polls
