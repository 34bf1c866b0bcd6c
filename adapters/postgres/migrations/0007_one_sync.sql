-- Every folder of every mailbox has a folder sync, which holds how far the folder was listed, and a
-- notification leads to a mailbox by its route, whatever its provider. The release before this one
-- refuses to start on it ("the database is newer than this release").

ALTER TABLE folder_sync
    ADD position         text NOT NULL DEFAULT '',
    ADD position_at      timestamptz,
    ADD backfill_from    timestamptz,
    ADD announced_since  timestamptz,
    ADD suspected_at     timestamptz,
    ADD waiting_since    timestamptz,
    ADD retry_at         timestamptz;
GRANT UPDATE (position, position_at, backfill_from, announced_since, suspected_at, waiting_since,
              retry_at)
    ON folder_sync TO postroom_app;

-- The name that a cursor is stored under: see `indexable` in adapters/postgres/text.py.
CREATE FUNCTION stored_name(name text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN octet_length(name) <= 512 THEN name
        ELSE left(name, 64) || '…' || encode(sha256(convert_to(name, 'UTF8')), 'hex') END
$$;

UPDATE folder_sync SET position = cursor.position, position_at = moved_at
    FROM cursor
    WHERE cursor.tenant = folder_sync.tenant AND cursor.mailbox = folder_sync.mailbox
      AND name = stored_name('changes:' || folder);

-- It was a text, in ISO 8601, and empty when there was nothing left to list. The releases before
-- 0006 called it owed, and the one with it backfill: that one has listed nothing of what was owed.
UPDATE folder_sync SET backfill_from = (
    SELECT min(cursor.position::timestamptz) FROM cursor
    WHERE cursor.tenant = folder_sync.tenant AND cursor.mailbox = folder_sync.mailbox
      AND name IN (stored_name('owed:' || folder), stored_name('backfill:' || folder))
      AND cursor.position <> ''
);

UPDATE folder_sync SET announced_since = (subscription ->> 'created_at')::timestamptz
    WHERE subscription IS NOT NULL;

-- These were listed without a folder sync. What had come in when their cursor moved last is listed:
-- should the position have expired, a list by date begins shortly before that.
INSERT INTO folder_sync (tenant, mailbox, folder, due_at, position, position_at, synced_at)
    SELECT mailbox.tenant, id, 'all mail', now(), coalesce(position, ''), moved_at, moved_at
    FROM mailbox LEFT JOIN cursor
        ON cursor.tenant = mailbox.tenant AND cursor.mailbox = id AND name = 'history'
    WHERE account ->> 'provider' = 'google';
INSERT INTO folder_sync (tenant, mailbox, folder, due_at, position, position_at, synced_at)
    SELECT listed.tenant, id, folder, now(), coalesce(position, ''), moved_at, moved_at
    FROM (
        SELECT DISTINCT tenant, id, folder
        FROM mailbox, jsonb_array_elements_text(coalesce(account -> 'folders', '["INBOX"]')) AS folder
        WHERE account ->> 'provider' = 'imap'
    ) AS listed LEFT JOIN cursor
        ON cursor.tenant = listed.tenant AND cursor.mailbox = id
       AND name = stored_name('imap:' || folder);

DROP TABLE cursor;
DROP FUNCTION stored_name;

-- What a notification names that names no tenant must lead to one mailbox of them all. See
-- `Account.route`: each provider says what it is.
ALTER TABLE mailbox ADD route text NOT NULL DEFAULT '';
GRANT UPDATE (route) ON mailbox TO postroom_app;
UPDATE mailbox SET route = (account ->> 'pubsub_subscription') || ' ' || lower(address)
    WHERE account ->> 'provider' = 'google';
DROP INDEX mailbox_push_key;
CREATE UNIQUE INDEX mailbox_route_key ON mailbox ((account ->> 'provider'), route)
    WHERE route <> '';
