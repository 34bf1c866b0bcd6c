-- The mailboxes that are served, and how far each has been listed.

-- account holds what is no secret; secrets is ciphertext, bound to its own tenant and mailbox.
CREATE TABLE mailbox (
    tenant    text        NOT NULL,
    id        text        NOT NULL,
    address   text        NOT NULL,
    account   jsonb       NOT NULL,
    secrets   bytea       NOT NULL,
    added_at  timestamptz NOT NULL,
    paused    text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX mailbox_address_key ON mailbox (tenant, lower(address));

-- A notice names no tenant: what it does name must lead to one mailbox of them all.
CREATE UNIQUE INDEX mailbox_subscription_key ON mailbox ((account ->> 'subscription_id'))
    WHERE account ->> 'provider' = 'microsoft';
CREATE UNIQUE INDEX mailbox_push_key ON mailbox ((account ->> 'subscription'), lower(address))
    WHERE account ->> 'provider' = 'google';

ALTER TABLE mailbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mailbox USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON mailbox TO postroom_app;

CREATE TABLE cursor (
    tenant    text        NOT NULL,
    mailbox   text        NOT NULL,
    name      text        NOT NULL,
    position  text        NOT NULL,
    moved_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant, mailbox, name)
);

ALTER TABLE cursor ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON cursor USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE ON cursor TO postroom_app;
