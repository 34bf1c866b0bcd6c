"""Keys, good and bad."""

import pytest

from postroom.adapters.crypto import FernetCipher, InvalidKey, generate_key
from postroom.domain.failure import AccessFailed

CONTEXT = "acme/support"


def test_every_key_decrypts_and_the_first_encrypts() -> None:
    old, new = generate_key(), generate_key()
    sealed = FernetCipher([old]).seal(b"secret", CONTEXT)
    rotated = FernetCipher([new, old])

    assert rotated.open(sealed, CONTEXT) == b"secret"
    assert FernetCipher([new]).open(rotated.seal(b"secret", CONTEXT), CONTEXT) == b"secret"
    with pytest.raises(AccessFailed, match="keep the old key in POSTROOM_SECRET_KEYS"):
        FernetCipher([new]).open(sealed, CONTEXT)


@pytest.mark.parametrize("bad", ["", "short", "hunter2" * 10, "é" * 44, generate_key()[:-2]])
def test_a_bad_key_is_refused_by_its_position_and_not_repeated(bad: str) -> None:
    with pytest.raises(InvalidKey, match="key 2 of POSTROOM_SECRET_KEYS") as caught:
        FernetCipher([generate_key(), bad])

    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(InvalidKey, match="POSTROOM_SECRET_KEYS is empty"):
        FernetCipher([])


def test_a_generated_key_is_a_new_one() -> None:
    assert generate_key() != generate_key()
