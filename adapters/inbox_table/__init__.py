"""Hands over by a row in a table of the user's PostgreSQL, for programs without a web endpoint."""
