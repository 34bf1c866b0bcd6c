"""What an error of the user's PostgreSQL means, said without what it is about.

| what is wrong                            | means                                        |
|------------------------------------------|----------------------------------------------|
| the database, the table or our rights    | unreachable: no message's fault              |
| the row (a constraint, a trigger)        | failed, and surely not there                 |
| a lock, a deadlock, a lost connection    | failed, and surely not there: no COMMIT went |
| anything, once the COMMIT is on its way  | failed, and it may be there                  |
"""

import re

import psycopg

from postroom.domain.handover.answer import Answer, Failed, Unreachable

_PRINTED = "what `postroom handover table` prints"
_TABLE = f"the table postroom_inbox is not {_PRINTED}"
_LOGIN = "the database refuses the user or the password: see the application's URL"
_NO_DATABASE = "the database of the application's URL does not exist"
_FULL = "the database has no connection left for us: raise max_connections"

# By SQLSTATE: PostgreSQL manual, appendix A.
_AWAY = {
    "25006": "the database is read-only: name the primary in the application's URL",
    "28000": _LOGIN,
    "28P01": _LOGIN,
    "3D000": _NO_DATABASE,
    "42501": "the database user needs SELECT and INSERT on postroom_inbox: grant them",
    "42703": _TABLE,
    "42804": _TABLE,
    "42P01": f"the table postroom_inbox is missing: create {_PRINTED}",
    "42P10": _TABLE,  # no unique key
    "53100": "the database's disk is full",
    "53200": "the database is out of memory",
    "53300": _FULL,
    "57P01": "the database is shutting down",
    "57P02": "the database crashed",
    "57P03": "the database is starting up",
}

# libpq has no code for what kept us from connecting; another language falls through.
_REFUSED = {
    r"password authentication|no password|role \"|pg_hba": _LOGIN,
    r"database .* does not exist": _NO_DATABASE,
    r"too many|remaining connection slots": _FULL,
    r"[Rr]efused": "nothing listens there: see the host and the port of the application's URL",
    r"resolve|translate host|not known": "the host of the application's URL leads nowhere",
    r"certificate|SSL": "TLS failed: see the application's URL and the server's certificate",
}

_OF_THE_ROW = ("21", "22", "23", "54", "P0")
"""Classes that say that what was to be written is at fault, or what is made of it there."""


def answer_without_end(error: Exception, *, connected: bool, committing: bool) -> Answer:
    if committing:
        return Failed(reason="the connection was lost as the row was committed", sure=False)
    if not connected:
        return Unreachable(reason=_why_not_connected(error))
    if isinstance(error, TimeoutError):
        return Failed(reason="the database took too long", sure=True)
    state = getattr(error, "sqlstate", None)
    if state in _AWAY:
        return Unreachable(reason=_AWAY[state])
    return Failed(reason=_reason(error, state), sure=True)


def is_of_the_row(error: psycopg.Error) -> bool:
    return bool(error.sqlstate and error.sqlstate.startswith(_OF_THE_ROW))


def _why_not_connected(error: Exception) -> str:
    if isinstance(error, TimeoutError | psycopg.errors.ConnectionTimeout):
        return "no connection to the database in time: it is not reached, or is too slow"
    if isinstance(error, psycopg.ProgrammingError | ValueError):
        return "the application's URL cannot be read: postgresql://user:password@host/database"
    found = (remedy for text, remedy in _REFUSED.items() if re.search(text, str(error)))
    return next(found, "no connection to the database: see that it runs, and the URL")


def _reason(error: Exception, state: str | None) -> str:
    if state and state.startswith(_OF_THE_ROW):
        return f"the inbox table did not take the row ({state})"
    if state:
        return f"the database answered {state}"
    return f"the connection to the database was lost ({type(error).__name__})"
