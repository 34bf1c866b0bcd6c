"""What is asked of folder_sync: every change of a row that is claimed proves the claim."""

_KEY = "tenant = %(tenant)s AND mailbox = %(mailbox)s AND folder = %(folder)s"
_IS_FREE = "(leased_until IS NULL OR leased_until <= %(now)s)"


def _if_claimed(update: str) -> str:
    return f"{update} WHERE {_KEY} AND claimed = %(token)s"


ALL = """
SELECT * FROM folder_sync
WHERE %(tenant)s IN ('', tenant) AND %(mailbox)s IN ('', mailbox)
ORDER BY tenant, mailbox, folder COLLATE "C"
"""

# --- Claims ---

_DUE = f"due_at <= %(now)s AND {_IS_FREE}"
_MAY_BE_TRIED = f"(retry_at IS NULL OR retry_at <= %(now)s) AND {_IS_FREE}"

_FIND = "SELECT tenant, mailbox, folder FROM folder_sync WHERE"
_CLAIM = (
    "UPDATE folder_sync SET version = version + 1, claimed = version + 1, leased_until = %(until)s"
)

# FolderSync.urgent_since
_URGENT_SINCE = """
    due_at - CASE WHEN (requests <> '{}' OR synced_at IS NULL) AND last_error = ''
                  THEN %(head_start)s ELSE interval '0' END"""

FIND_DUE = f"{_FIND} {_DUE} ORDER BY {_URGENT_SINCE}, tenant, mailbox, folder LIMIT %(limit)s"
CLAIM_DUE = f"{_CLAIM} WHERE {_KEY} AND {_DUE} RETURNING *"
CLAIM = f"{_CLAIM} WHERE {_KEY} AND {_MAY_BE_TRIED} RETURNING *"

_HOLD = _if_claimed("UPDATE folder_sync SET claimed = version, leased_until = %(until)s")
RENEW = f"{_HOLD} RETURNING *"
RELEASE = _if_claimed("UPDATE folder_sync SET leased_until = NULL")

# --- What a run makes of it ---

_SAVE = _if_claimed("""
UPDATE folder_sync SET
    due_at = greatest(CASE WHEN version = claimed THEN %(due_at)s ELSE due_at END, %(retry_at)s),
    leased_until = %(leased_until)s,
    mode = %(mode)s,
    polling_reason = %(polling_reason)s,
    announced_since = %(announced_since)s,
    suspected_at = %(suspected_at)s,
    suspected_to = %(suspected_to)s,
    missed_runs = %(missed_runs)s,
    refusals = %(refusals)s,
    probe_at = %(probe_at)s,
    subscription = %(subscription)s,
    synced_at = %(synced_at)s,
    lagging_since = %(lagging_since)s,
    behind_since = %(behind_since)s,
    last_error = %(last_error)s,
    waiting_since = %(waiting_since)s,
    retry_at = %(retry_at)s,
    requests = (SELECT coalesce(jsonb_object_agg(key, value), '{}')
                FROM jsonb_each(requests)
                WHERE value::bigint > claimed OR key = ANY(%(requests)s::text[]))
""")

# What it was before comes back, to be compared.
SAVE = f"""
WITH before AS (
    SELECT mode, probe_at, last_error, waiting_since FROM folder_sync
    WHERE {_KEY} AND claimed = %(token)s
), saved AS ({_SAVE} RETURNING tenant)
SELECT before.*, clock_timestamp() AS now FROM before CROSS JOIN saved
"""

MOVE_POSITION = _if_claimed("UPDATE folder_sync SET position = %(position)s, position_at = %(now)s")

_MOVE_BACKFILL = _if_claimed("""
UPDATE folder_sync SET
    backfill_from = %(after)s,
    lost_at = CASE WHEN %(after)s::timestamptz IS NOT NULL THEN lost_at END,
    dead_before = CASE WHEN %(after)s::timestamptz IS NOT NULL THEN dead_before END
""")
MOVE_BACKFILL = f"{_MOVE_BACKFILL} AND backfill_from IS NOT DISTINCT FROM %(before)s"

# --- What notifications have announced ---

NOTE_ANNOUNCED = f"""
UPDATE folder_sync
SET announced_to = greatest(announced_to, %(number)s), heard_at = %(now)s
WHERE {_KEY}"""
FORGET_ANNOUNCED = _if_claimed("UPDATE folder_sync SET announced_to = 0")

# --- What a loss of the queue would cost ---

_HELD_SINCE = """
SELECT coalesce((held_lanes ->> (tenant || '/' || mailbox))::timestamptz, held_since)
    - %(margin)s::interval
FROM queue_witness"""
_REACHED = f"CASE WHEN listed_at >= coalesce(({_HELD_SINCE}), '-infinity') THEN listed_from END"
_SET = "UPDATE folder_sync SET"
_REACH = f"{_SET} listed_from = least(%(since)s, {_REACHED}), listed_at = %(now)s"

RECORD_REACH = f"{_REACH} WHERE {_KEY}"

# --- Requests ---

FIND_SUBSCRIBED = "SELECT tenant FROM folder_sync WHERE subscription ->> 'id' = %s"

_REQUEST = """
UPDATE folder_sync SET
    version = version + 1,
    requests = requests || jsonb_build_object(%(request)s::text, version + 1),
    due_at = greatest(least(due_at, %(now)s), retry_at)"""
_OF_MAILBOX = "tenant = %(tenant)s AND mailbox = %(mailbox)s"

REQUEST = f"{_REQUEST} WHERE {_KEY}"
REQUEST_ALL = f"{_REQUEST} WHERE {_OF_MAILBOX}"
REQUEST_BY_SUBSCRIPTION = f"""{_REQUEST}
WHERE tenant = %(tenant)s AND subscription ->> 'id' = %(subscription_id)s"""
_BACKFILL = f"{_REQUEST}, backfill_from = least(backfill_from, %(since)s)"
REQUEST_BACKFILL = f"{_BACKFILL} WHERE {_OF_MAILBOX}"

# Each moment is the earliest that there is; a microsecond earlier, it is another than that of a run
# which goes on, and so that run moves it no more.
REQUEST_BACKFILL_OF_DEAD = f"""{_BACKFILL} - interval '1 microsecond',
    dead_before = greatest(dead_before, %(dead_before)s)
WHERE {_OF_MAILBOX}"""

_LOST = """
SELECT tenant AS of_tenant, id, added_at,
       coalesce((%(lanes)s::jsonb ->> id)::timestamptz, %(held_since)s)
           - %(margin)s::interval AS since
FROM mailbox WHERE tenant = %(tenant)s"""
_RELIST = """
    lost_at = %(lost_at)s,
    backfill_from = least(
        backfill_from, greatest(since, added_at), CASE WHEN listed_at >= since THEN listed_from END
    ) - interval '1 microsecond'"""

RELIST = f"{_REQUEST}, {_RELIST} FROM ({_LOST}) AS lost WHERE tenant = of_tenant AND mailbox = id"
