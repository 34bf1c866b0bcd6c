-- Refresh tokens change with use, and are written back.
GRANT UPDATE (account, secrets) ON mailbox TO postroom_app;
