"""Files on a local disk."""

from postroom.adapters.blobs.files import FileBlobStore

__all__ = ["FileBlobStore"]
