-- Mailboxes that were another system's: since when they are ours, and what that system has handled.
-- Like what we have handled ourselves, it stays when a mailbox is removed.

CREATE TABLE takeover (
    tenant   text        NOT NULL,
    mailbox  text        NOT NULL,
    since    timestamptz NOT NULL,
    PRIMARY KEY (tenant, mailbox)
);

ALTER TABLE takeover ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON takeover USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE (since) ON takeover TO postroom_app;

-- name is that of an identity, as in handled_message; of the digest another system knows nothing. It
-- is that of the message for which the row stands, once that has come to us: see domain/takeover.py.
CREATE TABLE handled_elsewhere (
    tenant      text        NOT NULL,
    mailbox     text        NOT NULL,
    name        text        NOT NULL,
    handled_at  timestamptz NOT NULL,
    digest      text,
    PRIMARY KEY (tenant, mailbox, name)
);

ALTER TABLE handled_elsewhere ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handled_elsewhere USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE (digest) ON handled_elsewhere TO postroom_app;
