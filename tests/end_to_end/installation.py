"""Postroom under `postroom up`, as somebody has it who has set nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.processes import SECONDS, wait_until


@dataclass(frozen=True, slots=True)
class Installation:
    """Postroom without a setting but its home and its port."""

    home: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("POSTROOM_")}
        return kept | {"POSTROOM_HOME": str(self.home), "POSTROOM_PORT": str(self.port)}

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints that must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "postroom.entrypoints", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @contextmanager
    def up(
        self, command: str = "up", stdout: int | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """`postroom up`, once it is ready. It ends with the block, if it has not by itself."""
        with (self.home.with_suffix(".log")).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "postroom.entrypoints", command],
                env=self.environment,
                stdout=stdout,
                stderr=log,
            )
        with process:
            try:
                wait_until(lambda: process.poll() is not None or self.is_ready(), "it is ready")
                assert process.poll() is None, self.log
                yield process
            finally:
                process.terminate()

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=SECONDS)
        except httpx.TransportError:
            return False
        return answer.is_success

    @property
    def log(self) -> str:
        return self.home.with_suffix(".log").read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]

    def count(self, event: str) -> int:
        return self.log.count(f'"event":"{event}"')
