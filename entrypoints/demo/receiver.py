"""An application of one's own, as small as can be: `receiver.py PORT FILE`.

It knows nothing of Postroom. The key and the effect are in one transaction (of SQLite), and the
answer comes after the commit: that is all that one effect a message takes.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Headers = dict[str, str]

SCHEMA = "CREATE TABLE IF NOT EXISTS ticket (number INTEGER PRIMARY KEY, key UNIQUE, subject)"


def is_signed(headers: Headers, body: bytes, secret: str) -> bool:
    """By Standard Webhooks 1.0.0; the libraries for it check the age as well."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    own = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers["webhook-signature"].split()
    return any(hmac.compare_digest(f"v1,{own}", each) for each in given)


def take(database: sqlite3.Connection, mail: dict[str, Any]) -> tuple[int, int]:
    """The status, and the number of the ticket."""
    with database:
        new = database.execute(
            "INSERT OR IGNORE INTO ticket (key, subject) VALUES (?, ?)",
            [mail["key"], mail["email"]["subject"]],
        )
        find = "SELECT number FROM ticket WHERE key = ?"
        [number] = database.execute(find, [mail["key"]]).fetchone()
    return (201 if new.rowcount else 208), number


def serve(port: int, file: str, secret: str) -> None:
    database = sqlite3.connect(file)
    database.execute(SCHEMA)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not is_signed(headers, body, secret):
                self._answer(401, {"reason": "signature"})
                return
            event = json.loads(body)
            if event["type"] != "mail.received":
                self._answer(200, {})
                return
            status, number = take(database, event["data"])
            self._answer(status, {"reference": str(number)})

        def _answer(self, status: int, said: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            """Nothing: the demo has the terminal."""

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], os.environ["RECEIVER_SECRET"])
