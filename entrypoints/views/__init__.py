"""What `/api/v1` and every `--json` show, and what tables for people are made of.

Each field is named here, so that nothing new is shown by accident; only a pointer has all its
fields, and a mailbox's account all but its secrets. Moments are in UTC.
"""
