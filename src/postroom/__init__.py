"""Postroom: mail, handed to the application exactly once. See README.md."""
