"""What the refusals of Entra ID mean: every row of the table."""

import json

import pytest

from postroom.adapters.microsoft.errors import sign_in_failure_of
from postroom.domain.failure import AccessFailed, Failure, Unavailable


@pytest.mark.parametrize(
    ("status", "error", "number", "failure"),
    [
        (400, "access_denied", 1, AccessFailed),
        (400, "authorization_declined", 70018, AccessFailed),
        (400, "bad_verification_code", 70019, AccessFailed),
        (400, "consent_required", 65001, AccessFailed),
        (400, "expired_token", 70020, AccessFailed),
        (400, "interaction_required", 50076, AccessFailed),
        (401, "invalid_client", 7000222, AccessFailed),
        (400, "invalid_grant", 50173, AccessFailed),
        (400, "invalid_grant", 700082, AccessFailed),
        (400, "invalid_resource", 500011, AccessFailed),
        (400, "invalid_scope", 70011, AccessFailed),
        (400, "invalid_tenant", 90002, AccessFailed),
        (400, "unauthorized_client", 700016, AccessFailed),
        (400, "invalid_request", 90002, AccessFailed),
        (400, "invalid_request", 900023, AccessFailed),
        (400, "", 50173, AccessFailed),
        (400, "", 53003, AccessFailed),
        (400, "", 65001, AccessFailed),
        (400, "", 700016, AccessFailed),
        (400, "", 700027, AccessFailed),
        (400, "", 700082, AccessFailed),
        (400, "", 7000112, AccessFailed),
        (400, "", 7000215, AccessFailed),
        (400, "", 7000218, AccessFailed),
        (400, "", 7000222, AccessFailed),
        (400, "invalid_request", 900144, Unavailable),
        (400, "temporarily_unavailable", 90033, Unavailable),
        (400, "something_new", 1234567, Unavailable),
        (500, "server_error", 90006, Unavailable),
    ],
)
def test_the_code_of_entra_id_names_the_remedy(
    status: int, error: str, number: int, failure: type[Failure]
) -> None:
    description = f"AADSTS{number}: The user support@example.org did something. Trace ID: 0"
    body = json.dumps({"error": error, "error_description": description}).encode()

    found = sign_in_failure_of(status, body, None)

    assert type(found) is failure
    assert found.reason == " ".join(
        filter(None, ["sign-in answered", str(status), error, f"AADSTS{number}"])
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>support@example.org</html>",
        b'{"error": "support@example.org", "error_description": "AADSTSsupport@example.org"}',
        b'{"error": ["invalid_client"]}',
    ],
)
def test_a_body_that_holds_no_code_stays_out_of_the_reason(body: bytes) -> None:
    found = sign_in_failure_of(400, body, None)

    assert isinstance(found, Unavailable)
    assert found.reason == "sign-in answered 400"
