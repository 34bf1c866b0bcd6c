"""How all applications stand, and what waits for them, in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.rows import rows
from postroom.application.ports import ApplicationSurvey, Backlog, SurveyedApplication
from postroom.domain.handover.application import Mode
from postroom.domain.handover.application_state import application_state
from postroom.domain.handover.health import Condition

# The index of what is open has all that is counted.
_SURVEY = """
SELECT tenant, name, settings ->> 'mode' AS mode,
    settings ->> 'paused_since' IS NOT NULL AS paused_by_person,
    coalesce(health ->> 'condition', 'active') AS condition,
    coalesce(count, 0) AS count, coalesce(size, 0) AS size, oldest
FROM application
LEFT JOIN application_health USING (tenant, name)
LEFT JOIN (
    SELECT owner, application AS of, count(*),
        sum(raw_size + body_size)::bigint AS size,
        min(accepted_at) FILTER (WHERE state <> 'held') AS oldest
    FROM handover WHERE state IN ('waiting', 'calling', 'held') GROUP BY owner, application
) AS backlog ON backlog.owner = tenant AND backlog.of = name
WHERE settings ->> 'role' IS DISTINCT FROM 'subscriber'
ORDER BY tenant COLLATE "C", name COLLATE "C"
"""


class PostgresApplicationSurvey(ApplicationSurvey):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def applications(self) -> Sequence[SurveyedApplication]:
        async with self._database.across_tenants() as connection:
            return [_surveyed(row) for row in await rows(connection, _SURVEY)]


def _surveyed(row: Mapping[str, Any]) -> SurveyedApplication:
    return SurveyedApplication(
        owner=row["tenant"],
        name=row["name"],
        state=application_state(
            Mode(row["mode"]), Condition(row["condition"]), paused_by_person=row["paused_by_person"]
        ),
        backlog=Backlog(count=row["count"], size=row["size"], oldest=row["oldest"]),
    )
