"""Gmail and Pub/Sub: reading messages and history, and proving who pushed a notification."""
