"""What the URL of a database that has an inbox table may be."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from postroom.domain.handover.application import InvalidApplication


def check_database(url: str) -> None:
    """Raises InvalidApplication, which does not repeat it: it may hold a password."""
    try:
        named = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InvalidApplication("the URL of the database cannot be read") from None
    if not named.get("dbname"):
        raise InvalidApplication("the URL must name a database: postgresql://user@host/database")
