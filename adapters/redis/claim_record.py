"""A claim as a line of JSON, to be handed to a process that consumes it in our place."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import timedelta

from postroom.adapters.redis.wire import WireFormat
from postroom.application.ports import Claim


@dataclass(frozen=True, slots=True)
class ClaimRecords:
    wire: WireFormat

    def pack(self, claim: Claim) -> bytes:
        job_id, lane, record = self.wire.pack(claim.job)
        probation = claim.probation
        values = {
            "job": [job_id, lane, b64encode(record).decode()],
            "attempt": claim.attempt,
            "token": claim.token,
            "crashes": claim.crashes,
            "solo_crashes": claim.solo_crashes,
            "since_first": claim.since_first.total_seconds(),
            "probation": None if probation is None else probation.total_seconds(),
        }
        return json.dumps(values).encode() + b"\n"

    def unpack(self, line: bytes) -> Claim:
        values = json.loads(line)
        job_id, lane, record = values["job"]
        probation = values["probation"]
        return Claim(
            self.wire.unpack(job_id, lane, b64decode(record)),
            values["attempt"],
            values["token"],
            crashes=values["crashes"],
            solo_crashes=values["solo_crashes"],
            since_first=timedelta(seconds=values["since_first"]),
            probation=None if probation is None else timedelta(seconds=probation),
        )
