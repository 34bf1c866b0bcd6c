"""Files on a local disk, or in an S3-compatible store."""

from postroom.adapters.blobs.files import FileBlobStore, Files
from postroom.adapters.blobs.store import StoredBlobs

__all__ = ["FileBlobStore", "Files", "StoredBlobs"]
