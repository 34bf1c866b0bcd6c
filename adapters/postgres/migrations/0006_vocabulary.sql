-- The field's words for what was there: docs/glossary.md. The release before this one refuses to
-- start on it ("the database is newer than this release").

ALTER TABLE reception RENAME TO folder_sync;
ALTER INDEX reception_pkey RENAME TO folder_sync_pkey;
ALTER INDEX reception_due RENAME TO folder_sync_due;
ALTER INDEX reception_subscription_key RENAME TO folder_sync_subscription_key;
ALTER TABLE folder_sync RENAME CONSTRAINT reception_tenant_mailbox_fkey TO folder_sync_tenant_mailbox_fkey;
ALTER TABLE folder_sync RENAME held_until TO leased_until;
ALTER TABLE folder_sync RENAME taken TO claimed;
ALTER TABLE folder_sync RENAME why TO polling_reason;
ALTER TABLE folder_sync RENAME silent_looks TO missed_runs;
ALTER TABLE folder_sync RENAME reconciled_at TO synced_at;
ALTER TABLE folder_sync RENAME trouble TO last_error;
ALTER TABLE folder_sync ALTER mode SET DEFAULT 'notifications';

-- What reads as the reason is compared with: see NOTIFICATIONS_MISSED in domain/folder_sync.py.
UPDATE folder_sync SET
    mode = CASE mode WHEN 'notices' THEN 'notifications' ELSE mode END,
    polling_reason = CASE polling_reason
        WHEN '3 times running, mail came that no notice had told of'
        THEN '3 syncs in a row found mail that no notification had announced'
        ELSE polling_reason END,
    requests = CASE WHEN requests ? 'reconcile'
        THEN requests - 'reconcile' || jsonb_build_object('sync', requests -> 'reconcile')
        ELSE requests END;

ALTER TABLE comment RENAME written_at TO received_at;
ALTER TABLE comment RENAME message TO identity;
ALTER TABLE outcome RENAME message TO identity;
ALTER INDEX outcome_message RENAME TO outcome_identity;

DROP INDEX mailbox_push_key;
UPDATE mailbox SET account = account - 'subscription' - 'push_identity' || jsonb_build_object(
        'pubsub_subscription', account -> 'subscription',
        'push_service_account', account -> 'push_identity')
    WHERE account ->> 'provider' = 'google';
CREATE UNIQUE INDEX mailbox_push_key ON mailbox ((account ->> 'pubsub_subscription'), lower(address))
    WHERE account ->> 'provider' = 'google';
