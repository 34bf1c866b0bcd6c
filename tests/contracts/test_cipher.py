"""What every Cipher promises."""

import pytest

from postroom.adapters.crypto import FernetCipher, generate_key
from postroom.adapters.postgres.registry import Cipher
from postroom.domain.failure import AccessFailed

PORTS = {Cipher}

SECRET = b'{"password": "hunter2"}'


@pytest.fixture
def cipher() -> Cipher:
    return FernetCipher([generate_key()])


@pytest.mark.parametrize("plaintext", [SECRET, b"", bytes(range(256))])
def test_what_was_sealed_opens_in_its_context(cipher: Cipher, plaintext: bytes) -> None:
    sealed = cipher.seal(plaintext, "acme/support")

    assert cipher.open(sealed, "acme/support") == plaintext


def test_the_plaintext_is_not_in_the_ciphertext(cipher: Cipher) -> None:
    assert b"hunter2" not in cipher.seal(SECRET, "acme/support")


def test_sealing_twice_gives_two_ciphertexts(cipher: Cipher) -> None:
    assert cipher.seal(SECRET, "acme/support") != cipher.seal(SECRET, "acme/support")


@pytest.mark.parametrize("context", ["globex/support", "acme/suppor", "acme/support{", ""])
def test_another_context_is_refused(cipher: Cipher, context: str) -> None:
    sealed = cipher.seal(SECRET, "acme/support")

    with pytest.raises(AccessFailed, match="another mailbox's"):
        cipher.open(sealed, context)


def test_a_damaged_ciphertext_is_refused(cipher: Cipher) -> None:
    sealed = cipher.seal(SECRET, "acme/support")

    for damaged in (b"", sealed[:-4], sealed[:40] + sealed[44:], b"A" * 100):
        with pytest.raises(AccessFailed, match="POSTROOM_SECRET_KEYS"):
            cipher.open(damaged, "acme/support")
