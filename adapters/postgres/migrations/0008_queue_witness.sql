-- What is remembered of the queue outside of it, so that its loss is noticed and made good. See
-- application/watch_queue.py and domain/queue_loss.py.

-- One row. floor is what the queue holds at least, 0 where it need hold nothing. held_since and
-- held_lanes (`tenant/mailbox`: a moment) say from when on the queue has held its jobs. The columns
-- lost_… are of a loss that is not healed yet, and null otherwise.
CREATE TABLE queue_witness (
    single          boolean     PRIMARY KEY DEFAULT true CHECK (single),
    number          bigint      NOT NULL DEFAULT 0,
    floor           bigint      NOT NULL DEFAULT 0,
    confirmed_at    timestamptz,
    surveyed_at     timestamptz,
    held_since      timestamptz,
    held_lanes      jsonb       NOT NULL DEFAULT '{}',
    dead            integer     NOT NULL DEFAULT 0,
    dead_ids        text[]      NOT NULL DEFAULT '{}',
    lost_at         timestamptz,
    lost_last_beat  timestamptz,
    lost_since      timestamptz,
    lost_lanes      jsonb,
    lost_is_tail    boolean,
    lost_dead       integer,
    lost_dead_ids   text[],
    is_requested    boolean     NOT NULL DEFAULT true
);

-- listed_from and listed_at: mail from then on was queued last at that time, by a list that reached
-- far back. lost_at: what a loss of the queue has cost is to be listed again.
ALTER TABLE folder_sync
    ADD lost_at      timestamptz,
    ADD listed_from  timestamptz,
    ADD listed_at    timestamptz;
GRANT UPDATE (lost_at, listed_from, listed_at) ON folder_sync TO postroom_app;
GRANT SELECT (held_since, held_lanes) ON queue_witness TO postroom_app;

CREATE INDEX folder_sync_lost ON folder_sync (lost_at) WHERE lost_at IS NOT NULL;
