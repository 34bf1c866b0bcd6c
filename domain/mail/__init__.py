"""What a message says: reading MIME, and finding the conversation it belongs to. Pure."""
