from hashlib import sha256

from postroom.application.ports import BlobStore


class InMemoryBlobStore(BlobStore):
    def __init__(self) -> None:
        self._contents: dict[tuple[str, str], bytes] = {}

    async def put(self, tenant: str, content: bytes) -> str:
        key = sha256(content).hexdigest()
        self._contents[tenant, key] = content
        return key

    async def get(self, tenant: str, key: str) -> bytes | None:
        return self._contents.get((tenant, key))
