-- Who pulls which subscription, and what that fails of: see application/ports/pulling.py. Mailboxes
-- of several tenants may share a subscription, so a row belongs to none of them.

CREATE TABLE pull (
    provider      text        NOT NULL,
    subscription  text        NOT NULL,
    token         bigint      NOT NULL DEFAULT 1,
    leased_until  timestamptz NOT NULL,
    last_error    text        NOT NULL DEFAULT '',
    PRIMARY KEY (provider, subscription)
);
