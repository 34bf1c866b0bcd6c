-- A list by date that a person has requested may be to queue dead jobs again: those that died before
-- this moment. It stands beside backfill_from until that list is complete.

ALTER TABLE folder_sync ADD dead_before timestamptz;
GRANT UPDATE (dead_before) ON folder_sync TO postroom_app;
