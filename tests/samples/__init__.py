"""Mail as a help desk gets it, written by hand for these tests and the demo."""

from pathlib import Path

_FOLDER = Path(__file__).parent

NAMES = sorted(path.stem for path in _FOLDER.glob("*.eml"))


def sample(name: str) -> bytes:
    return (_FOLDER / f"{name}.eml").read_bytes()
