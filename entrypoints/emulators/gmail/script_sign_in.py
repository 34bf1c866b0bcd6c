"""The face for scripts: who has signed in, and who may no longer."""

from collections.abc import Collection

from postroom.entrypoints.emulators.gmail.access import READ_MAIL
from postroom.entrypoints.emulators.gmail.oauth_clients import OAuthClient
from postroom.entrypoints.emulators.gmail.script import Script
from postroom.entrypoints.emulators.gmail.wire import GoogleError

SERVICE_ACCOUNT = "postroom@project.iam.gserviceaccount.com"
CLIENT = OAuthClient("1234-abcd.apps.googleusercontent.com", "GOCSPX-the client's secret")
"""A desktop client that every emulator knows."""


class SignInScript(Script):
    def service_account_key(
        self,
        base_url: str,
        *,
        email: str = SERVICE_ACCOUNT,
        scopes: Collection[str] = (READ_MAIL,),
    ) -> str:
        """The JSON key of a service account, whose tokens are given at *base_url*."""
        return self.tokens.service_accounts.key_file(email, f"{base_url}/token", scopes)

    def sign_in(self, person: str, *, granting: Collection[str] | None = None) -> None:
        """Who answers the pages for consent from now on: yes, or only to the scopes *granting*.

        Unless somebody is named, it is who the request hints at.
        """
        self.tokens.page.person = person
        self.tokens.page.granting = None if granting is None else frozenset(granting)
        self.tokens.page.denying = False

    def deny_consent(self) -> None:
        """The next pages are answered by no."""
        self.tokens.page.denying = True

    def consent(
        self, address: str, *, client: OAuthClient = CLIENT, scopes: Collection[str] = (READ_MAIL,)
    ) -> str:
        """A refresh token of the person, as if they had signed in."""
        return self.tokens.clients.issue(client, address, frozenset(scopes)).token

    def withdraw_consent(self, address: str) -> None:
        """The person removes every application; tokens of access end with it."""
        for grant in self.tokens.clients.revoke_all(address):
            self.tokens.access.revoke_grant(grant)

    def revoke_tokens(self, address: str) -> None:
        """Make every access token of the mailbox invalid before its time."""
        self.tokens.access.revoke(address)

    def accepts(self, token: str) -> bool:
        """Whether Gmail takes the access token."""
        try:
            self.tokens.access.caller(f"Bearer {token}")
        except GoogleError:
            return False
        return True
