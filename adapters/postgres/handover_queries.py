"""What is asked of handover to call applications: what is due, and what becomes of it.

`handover_record_queries.py` is for those who look handovers up.
"""

from collections.abc import Mapping

from postroom.adapters.postgres.event_rows import WRITE_IF_WANTED

_APPLICATION = "owner = %(owner)s AND application = %(application)s"

CHANGES: Mapping[str, str] = {
    "state": "text",
    "due_at": "timestamptz",
    "fence": "integer",
    "lease_until": "timestamptz",
    "began_at": "timestamptz",
    "failed_began": "timestamptz",
    "failures": "integer",
    "forgiven": "integer",
    "unsure": "integer",
    "charged": "integer",
    "may_be_handled": "boolean",
    "reference": "text",
    "url": "text",
    "reason": "text",
    "ended_at": "timestamptz",
    "redriven_at": "timestamptz",
}
"""The fields of a handover that change, with the types of their columns."""

_STAYS = (
    *("tenant", "application", "key", "mailbox", "identity"),
    *("sequence", "received_at", "accepted_at"),
)
FIELDS = ", ".join(f"handover.{name}" for name in (*_STAYS, *CHANGES))
"""All that a handover consists of."""

# --- Accepting ---

_STORED = (
    *(*_STAYS, *CHANGES),
    *("owner", "job_id", "job", "traceparent", "raw", "raw_size", "body_size", "body"),
)

# Waits where an open transaction has inserted the same key.
ACCEPT = f"""
INSERT INTO handover ({", ".join(_STORED)}) VALUES ({", ".join(f"%({n})s" for n in _STORED)})
ON CONFLICT DO NOTHING
"""

# The row is ours from then on, until the transaction ends.
NEXT_NUMBER = """
INSERT INTO handover_sequence (tenant, mailbox, application, last)
VALUES (%(tenant)s, %(mailbox)s, %(application)s, 1)
ON CONFLICT (tenant, mailbox, application) DO UPDATE SET last = handover_sequence.last + 1
RETURNING last
"""
GIVE_BACK = """
UPDATE handover_sequence SET last = last - 1
WHERE tenant = %(tenant)s AND mailbox = %(mailbox)s AND application = %(application)s
  AND last = %(sequence)s
"""

# --- What is due ---

# From the first application to the next, each by a look into the index. Of one that wants an order
# all may wait for what is called with: nothing is due then, which the claim finds out.
DUE = """
WITH RECURSIVE walk AS (
    (SELECT owner, application FROM handover WHERE state = 'waiting'
     ORDER BY owner, application LIMIT 1)
    UNION ALL
    SELECT next.* FROM walk CROSS JOIN LATERAL (
        SELECT owner, application FROM handover
        WHERE state = 'waiting' AND (owner, application) > (walk.owner, walk.application)
        ORDER BY owner, application LIMIT 1
    ) AS next
)
SELECT owner, application FROM walk WHERE EXISTS (
    SELECT FROM handover
    WHERE handover.owner = walk.owner AND handover.application = walk.application
      AND state = 'waiting' AND due_at <= statement_timestamp()
)
UNION
SELECT owner, application FROM handover
WHERE state = 'calling' AND lease_until <= statement_timestamp()
ORDER BY owner, application
"""

# Seen after the lock on how the application stands, which a statement that waits for it would not.
IN_FLIGHT = f"""
WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now)
SELECT count(*) FROM moment JOIN handover ON lease_until > moment.now
WHERE {_APPLICATION} AND state = 'calling'
"""

_BEGIN = """
    SELECT half, lane, 0 AS step
    FROM (VALUES (1, %(turn)s::text COLLATE "C"), (2, '' COLLATE "C")) AS part (half, lane)"""
"""The lanes take turns: first come those after the lane that was called with last, then the others.

Both halves are walked at once, from lane to lane by a look into the index.
"""

_MAY_BE = "(failed_began IS NULL OR NOT %(unfailed)s)"
_IS_WAITING = f"{_APPLICATION} AND state = 'waiting' AND due_at <= %(now)s AND {_MAY_BE}"
_IS_ABANDONED = f"{_APPLICATION} AND state = 'calling' AND lease_until <= %(now)s AND {_MAY_BE}"
_IS_DUE = f"(({_IS_WAITING}) OR ({_IS_ABANDONED}))"

_OURS = "FOR UPDATE OF handover"
"""A person may move one at this moment: what is not due any more after that is left out."""

# With L lanes that have something due, none needs to give more than the limit less L - 1.
FIND_DUE = f"""
WITH RECURSIVE walk AS ({_BEGIN}
    UNION ALL
    SELECT half, next.lane, step + 1 FROM walk CROSS JOIN LATERAL (
        SELECT lane FROM handover WHERE {_IS_WAITING} AND lane > walk.lane ORDER BY lane LIMIT 1
    ) AS next
    WHERE step < %(limit)s AND (half = 1 OR next.lane <= %(turn)s)
), turns AS MATERIALIZED (
    SELECT lane, row_number() OVER (ORDER BY half, lane) AS turn FROM walk WHERE step > 0
    ORDER BY turn LIMIT %(limit)s
), waiting AS (
    SELECT due.*, turn FROM turns CROSS JOIN LATERAL (
        SELECT tenant, key, row_number() OVER (ORDER BY due_at) AS round FROM handover
        WHERE {_IS_WAITING} AND lane = turns.lane
        ORDER BY due_at LIMIT %(limit)s + 1 - (SELECT count(*) FROM turns)
    ) AS due
), abandoned AS (
    SELECT tenant, key, 0, row_number() OVER (ORDER BY lease_until) FROM handover
    WHERE {_IS_ABANDONED} ORDER BY lease_until LIMIT %(limit)s
), due AS (
    SELECT * FROM waiting UNION ALL SELECT * FROM abandoned ORDER BY round, turn LIMIT %(limit)s
)
SELECT {FIELDS} FROM due JOIN handover
    ON handover.tenant = due.tenant AND handover.key = due.key AND application = %(application)s
WHERE {_IS_DUE} ORDER BY round, turn {_OURS}
"""

# Whatever else is due in a lane waits for the end of its first.
FIND_FIRST = f"""
WITH RECURSIVE walk AS (
    SELECT part.*, '' AS tenant, '' COLLATE "C" AS key FROM ({_BEGIN}) AS part
    UNION ALL
    SELECT half, next.lane, step + 1, next.tenant, next.key FROM walk CROSS JOIN LATERAL (
        SELECT lane, tenant, key FROM handover
        WHERE {_APPLICATION} AND state IN ('waiting', 'calling', 'held') AND lane > walk.lane
        ORDER BY lane, sequence NULLS FIRST, accepted_at, key LIMIT 1
    ) AS next
    WHERE half = 1 OR next.lane <= %(turn)s
)
SELECT {FIELDS} FROM walk JOIN handover
    ON handover.tenant = walk.tenant AND handover.key = walk.key AND application = %(application)s
WHERE step > 0 AND {_IS_DUE} ORDER BY half, walk.lane LIMIT %(limit)s {_OURS}
"""

_MAY_LEAVE = f"{_APPLICATION} AND state = 'waiting' AND unsure = 0 AND NOT may_be_handled"

# Those of which it is sure that nothing was done, and which the other one has not got as a copy. By
# the index of what waits: the one that is in this order has all that has ended before.
FIND_LEAVING = f"""
WITH waiting AS MATERIALIZED (
    SELECT tenant, key, accepted_at FROM handover WHERE {_MAY_LEAVE}
), leaving AS (
    SELECT tenant, key FROM waiting WHERE NOT EXISTS (
        SELECT FROM handover AS other
        WHERE other.tenant = waiting.tenant AND other.key = waiting.key
          AND other.application = %(standby)s
    )
    ORDER BY accepted_at, key LIMIT %(limit)s
)
SELECT {FIELDS}, job_id, job, traceparent, raw, raw_size, body FROM leaving JOIN handover
    ON handover.tenant = leaving.tenant AND handover.key = leaving.key
WHERE {_MAY_LEAVE} ORDER BY accepted_at, handover.key {_OURS}
"""

# --- What becomes of it ---

_CHOSEN = """
FROM unnest(%(tenant)s::text[], %(key)s::text[]) AS chosen (tenant, key)
JOIN handover ON handover.tenant = chosen.tenant AND handover.key = chosen.key
    AND application = %(application)s"""

LOCK = f"SELECT {FIELDS} {_CHOSEN} FOR UPDATE OF handover"

# Of those that are called with from now on, the body comes back; an end is recorded. A duplicate
# was recorded before if it has ended before, and the application was heard then. One that has not
# been redriven has not; a recorded end of its job is that of a copy.
SAVE = f"""
WITH saved AS (
    UPDATE handover SET
        {", ".join(f"{name} = changed.{name}" for name in CHANGES)},
        last_answer = coalesce(changed.last_answer, handover.last_answer)
    FROM unnest(
        %(tenant)s::text[], %(key)s::text[], %(last_answer)s::json[],
        %(outcome)s::text[], %(detail)s::json[],
        %(event_id)s::text[], %(event_type)s::text[], %(event_data)s::jsonb[],
        {", ".join(f"%({name})s::{kind}[]" for name, kind in CHANGES.items())}
    ) AS changed (tenant, key, last_answer, outcome, detail, event_id, event_type, event_data,
        {", ".join(CHANGES)})
    WHERE handover.tenant = changed.tenant AND handover.key = changed.key
      AND application = %(application)s
    RETURNING handover.*, outcome, detail, event_id, event_type, event_data
), ended AS (
    SELECT * FROM saved
    WHERE outcome IS NOT NULL AND job_id IS NOT NULL
      AND (state <> 'duplicate' OR redriven_at IS NULL OR NOT EXISTS (
        SELECT FROM outcome AS earlier
        WHERE earlier.tenant = saved.tenant AND earlier.job_id = saved.job_id
          AND earlier.outcome = 'completed'
      ))
), recorded AS (
    INSERT INTO outcome (tenant, mailbox, job_id, identity, outcome, detail, attempt, at, job)
    SELECT tenant, mailbox, job_id, identity, outcome, detail, fence, %(now)s, job FROM ended
), new AS (
    SELECT event_id AS id, tenant, event_type AS type, %(now)s::timestamptz AS at,
        event_data || jsonb_build_object('jobId', job_id) AS data
    FROM ended
), written AS ({WRITE_IF_WANTED})
SELECT tenant, key, traceparent, CASE WHEN state = 'calling' THEN body END AS body FROM saved
"""

DELETE_TAKEN = """
DELETE FROM handover USING unnest(%(tenant)s::text[], %(key)s::text[]) AS chosen (tenant, key)
WHERE handover.tenant = chosen.tenant AND handover.key = chosen.key
  AND application = %(application)s AND job_id IS NULL AND state IN ('done', 'duplicate', 'skipped')
"""

BACKLOG = f"""
SELECT count(*), coalesce(sum(raw_size + body_size), 0)::bigint AS size,
    min(accepted_at) FILTER (WHERE state <> 'held') AS oldest
FROM handover WHERE {_APPLICATION} AND state IN ('waiting', 'calling', 'held')
"""
