"""Files on a local disk."""

from adapters.blobs.files import FileBlobStore

__all__ = ["FileBlobStore"]
