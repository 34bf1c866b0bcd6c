"""Microsoft 365 through Microsoft Graph (httpx), signed in to through Entra ID (msal)."""
