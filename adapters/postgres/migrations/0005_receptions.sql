-- How the mail of each folder is received, and why a mailbox is paused.

-- All three of a pause are set, or none. by is domain/mailbox.py's PausedBy.
ALTER TABLE mailbox
    ADD paused_by         text,
    ADD paused_reason     text,
    ADD paused_since      timestamptz,
    ADD access_failures   integer NOT NULL DEFAULT 0,
    ADD access_failed_at  timestamptz;
UPDATE mailbox SET paused_by = 'operator', paused_reason = paused, paused_since = now()
    WHERE paused <> '';
ALTER TABLE mailbox
    DROP paused,
    ADD CONSTRAINT mailbox_pause CHECK (num_nulls(paused_by, paused_reason, paused_since) IN (0, 3));

-- A notice of Graph leads to a reception now.
DROP INDEX mailbox_subscription_key;

GRANT UPDATE (paused_by, paused_reason, paused_since, access_failures, access_failed_at) ON mailbox
    TO postroom_app;
GRANT DELETE ON mailbox TO postroom_app;
GRANT DELETE ON cursor TO postroom_app;

-- Every change adds 1 to version. requests has the version that each request made, taken that of the
-- last take. Versions begin with the time in microseconds, so that who took a reception of a mailbox
-- that was removed and added anew does not go on with the new one.
CREATE TABLE reception (
    tenant         text        NOT NULL,
    mailbox        text        NOT NULL,
    folder         text        NOT NULL,
    due_at         timestamptz NOT NULL,
    held_until     timestamptz,
    version        bigint      NOT NULL DEFAULT extract(epoch FROM clock_timestamp()) * 1000000,
    taken          bigint,
    mode           text        NOT NULL DEFAULT 'notices',
    why            text        NOT NULL DEFAULT '',
    silent_looks   integer     NOT NULL DEFAULT 0,
    refusals       integer     NOT NULL DEFAULT 0,
    probe_at       timestamptz,
    subscription   jsonb,
    reconciled_at  timestamptz,
    trouble        text        NOT NULL DEFAULT '',
    requests       jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, mailbox, folder),
    FOREIGN KEY (tenant, mailbox) REFERENCES mailbox ON DELETE CASCADE
);

CREATE INDEX reception_due ON reception (due_at);

-- A notice names no tenant: what it does name must lead to one reception of them all.
CREATE UNIQUE INDEX reception_subscription_key ON reception ((subscription ->> 'id'))
    WHERE subscription IS NOT NULL;

ALTER TABLE reception ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reception USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON reception TO postroom_app;
GRANT UPDATE (due_at, held_until, version, taken, mode, why, silent_looks, refusals, probe_at,
              subscription, reconciled_at, trouble, requests)
    ON reception TO postroom_app;

INSERT INTO reception (tenant, mailbox, folder, due_at)
    SELECT tenant, id, coalesce(account ->> 'folder', 'inbox'), now() FROM mailbox
    WHERE account ->> 'provider' = 'microsoft';
