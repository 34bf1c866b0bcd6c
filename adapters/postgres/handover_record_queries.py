"""What is asked of handover by those who look handovers up, move them, and delete them."""

from collections.abc import Mapping
from datetime import datetime

from postroom.adapters.postgres.handover_queries import FIELDS
from postroom.application.ports import HandoverFilter
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.handover import DEAD_LETTERS

_FIND = f"""
SELECT {FIELDS}, job, raw, raw_size, body_size, last_answer FROM handover WHERE true"""

_CONDITIONS: Mapping[str, str] = {
    "tenant": "tenant = %(tenant)s",
    "application": "application = %(application)s",
    "mailbox": "mailbox = %(mailbox)s",
    "identity": "identity = %(identity)s",
    "states": "state = ANY(%(states)s)",
    "unsure": "unsure > 0",
    "of_messages": "job_id IS NOT NULL",
    "since": "accepted_at >= %(since)s",
    "until": "accepted_at < %(until)s",
}

_IS_DEAD = "state IN ('refused', 'dead')"
"""As the index says it that has the dead letters alone."""

_AFTER = """
(accepted_at, key) < ((SELECT min(accepted_at) FROM handover WHERE key = %(after)s), %(after)s)"""


def find(chosen: HandoverFilter, after: str) -> str:
    conditions = [_CONDITIONS[name] for name in _CONDITIONS if getattr(chosen, name, None)]
    if chosen.states and chosen.states <= DEAD_LETTERS:
        conditions.append(_IS_DEAD)
    if after:
        conditions.append(_AFTER)
    ordered = "ORDER BY accepted_at DESC, key DESC FETCH FIRST (%(limit)s) ROWS WITH TIES"
    return f"{_where(_FIND, conditions)} {ordered}"


def dead(chosen: DeadLetterFilter, before: datetime | None) -> str:
    set_aside = _IS_DEAD if not chosen.held else f"({_IS_DEAD} OR state = 'held')"
    conditions = [_CONDITIONS[name] for name in ("tenant", "mailbox") if getattr(chosen, name)]
    if before:
        conditions.append("coalesce(ended_at, due_at) < %(before)s")
    ordered = "ORDER BY coalesce(ended_at, due_at) DESC FETCH FIRST (%(limit)s) ROWS WITH TIES"
    return f"{_where(_FIND, [set_aside, *conditions])} {ordered}"


def by_key(tenant: str, application: str) -> str:
    query = _where(_FIND, ["key = %(key)s", *_whose(tenant, application)])
    return f"{query} ORDER BY accepted_at DESC, application LIMIT 1"


def keys_with_head(tenant: str, application: str) -> str:
    """In a key, which is ASCII, nothing is greater than a tilde."""
    is_head = "key >= %(key)s AND key < %(key)s::text || '~'"
    query = _where(
        "SELECT DISTINCT key FROM handover WHERE true", [is_head, *_whose(tenant, application)]
    )
    return f"{query} LIMIT 2"


def _whose(tenant: str, application: str) -> list[str]:
    wanted = {"tenant": tenant, "application": application}
    return [_CONDITIONS[name] for name, value in wanted.items() if value]


def _where(query: str, conditions: list[str]) -> str:
    return " AND ".join([query, *conditions])


BODY = """
SELECT body FROM handover
WHERE tenant = %(tenant)s AND key = %(key)s AND application = %(application)s
"""

# What was not handed over gets its end recorded, as whatever else has ended.
DISCARD = f"""
WITH discarded AS (
    DELETE FROM handover
    WHERE owner = %(owner)s AND application = %(application)s
      AND state IN ('waiting', 'calling', 'held', 'shadow')
    RETURNING {FIELDS}, job_id, job
), recorded AS (
    INSERT INTO outcome (tenant, mailbox, job_id, identity, outcome, detail, attempt, at, job)
    SELECT tenant, mailbox, job_id, identity, %(outcome)s, %(detail)s, fence, %(now)s, job
    FROM discarded WHERE job_id IS NOT NULL
)
SELECT * FROM discarded
"""

# From application to application, each by a look into the index: what some retain for long is not
# read at all. The retention is stored as an ISO 8601 duration.
EXPIRE = """
WITH RECURSIVE walk AS (
    (SELECT owner, application FROM handover
     WHERE state IN ('done', 'duplicate', 'skipped', 'moved')
     ORDER BY owner, application LIMIT 1)
    UNION ALL
    SELECT next.* FROM walk CROSS JOIN LATERAL (
        SELECT owner, application FROM handover
        WHERE state IN ('done', 'duplicate', 'skipped', 'moved')
          AND (owner, application) > (walk.owner, walk.application)
        ORDER BY owner, application LIMIT 1
    ) AS next
), expired AS (
    SELECT handled.* FROM walk
    LEFT JOIN application ON application.tenant = walk.owner AND name = walk.application
    CROSS JOIN LATERAL (
        SELECT handover.tenant, key, handover.application FROM handover
        WHERE state IN ('done', 'duplicate', 'skipped', 'moved')
          AND owner = walk.owner AND handover.application = walk.application
          AND ended_at < statement_timestamp()
              - coalesce((settings ->> 'retention')::interval, %(default)s)
        ORDER BY ended_at LIMIT %(limit)s FOR UPDATE OF handover SKIP LOCKED
    ) AS handled
    LIMIT %(limit)s
)
DELETE FROM handover USING expired
WHERE handover.tenant = expired.tenant AND handover.key = expired.key
  AND handover.application = expired.application
"""
