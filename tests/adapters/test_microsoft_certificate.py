"""An application that signs in with a certificate: what it shows, and which files are of use."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from postroom.adapters.microsoft.account import ClientCertificate
from postroom.adapters.microsoft.certificate import read_certificate
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed
from tests.adapters.client_certificates import certificate_pem, key_pem, rsa_key
from tests.adapters.login_rig import Login, opened_by

PUBLIC, KEY = certificate_pem(rsa_key()), key_pem(rsa_key())


@pytest.mark.parametrize(
    "file",
    [
        KEY + PUBLIC,
        PUBLIC + KEY,
        "Bag Attributes\n    friendlyName: postroom\n" + PUBLIC + "Key Attributes: <none>\n" + KEY,
        PUBLIC + certificate_pem(rsa_key(2)) + KEY,  # a chain: our own comes first
    ],
    ids=["key first", "certificate first", "with openssl's attributes", "a chain"],
)
async def test_an_application_signs_in_with_its_certificate(login: Login, file: str) -> None:
    login.graph.certify(PUBLIC.encode())

    token = await login.tokens().get(opened_by(ClientCertificate(Secret(file))))

    assert login.graph.accepts(token)
    assert login.graph.scopes == [f"{login.url}/.default"]


async def test_a_certificate_that_is_not_the_applications_is_a_matter_of_access(
    login: Login,
) -> None:
    login.graph.certify(certificate_pem(rsa_key(2)).encode())

    with pytest.raises(AccessFailed) as raised:
        await login.tokens().get(opened_by(ClientCertificate(Secret(KEY + PUBLIC))))

    assert raised.value.reason == "sign-in answered 401 invalid_client AADSTS700027"


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key_pem(key) + certificate_pem(key)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("", "has no certificate in PEM"),
        (KEY, "has no certificate in PEM"),
        (PUBLIC, "has no private key in PEM"),
        (PUBLIC + key_pem(rsa_key(2)), "holds the key of another certificate"),
        (PUBLIC + key_pem(rsa_key(), b"hush"), "cannot be read: it must hold"),
        (PUBLIC.replace("M", "?") + KEY, "cannot be read: it must hold"),
        (elliptic(), "is not RSA"),
    ],
)
def test_a_file_of_no_use_is_told_and_not_repeated(file: str, reason: str) -> None:
    with pytest.raises(AccessFailed, match=reason) as raised:
        read_certificate(Secret(file))

    assert raised.value.__cause__ is None
    assert "PRIVATE KEY" not in str(raised.value)


def test_a_private_key_is_not_shown_by_accident() -> None:
    shown = repr(read_certificate(Secret(KEY + PUBLIC)))

    assert "PRIVATE KEY" not in shown
