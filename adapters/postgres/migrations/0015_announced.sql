-- What notifications have announced, by the numbers that a provider gives its changes (uint64), and
-- since when its lists lag: see domain/folder_sync.py. The release before this one refuses to start
-- on it ("the database is newer than this release").

ALTER TABLE folder_sync
    ADD heard_at       timestamptz,
    ADD announced_to   numeric(20) NOT NULL DEFAULT 0,
    ADD suspected_to   numeric(20) NOT NULL DEFAULT 0,
    ADD lagging_since  timestamptz,
    ADD behind_since   timestamptz;
GRANT UPDATE (heard_at, announced_to, suspected_to, lagging_since, behind_since)
    ON folder_sync TO postroom_app;
