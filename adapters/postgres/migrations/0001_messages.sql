-- What becomes of messages: the idempotency ledger, and the named end of every pointer.
--
-- Every table leads its primary key with the tenant and has row-level security from its first
-- migration on. The application works as postroom_app, which owns nothing and so cannot bypass it,
-- and which is granted what it does and no more.

GRANT USAGE ON SCHEMA postroom TO postroom_app;

-- A row is inserted before the message is processed and stays uncommitted until that has succeeded.
-- Both keys mean "the same message": see domain/identity.py.
CREATE TABLE handled_message (
    tenant      text        NOT NULL,
    mailbox     text        NOT NULL,
    name        text        NOT NULL,
    digest      text        NOT NULL,
    source      text        NOT NULL,
    handled_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, mailbox, name, digest),
    CONSTRAINT handled_message_source_key UNIQUE (tenant, mailbox, source)
);

ALTER TABLE handled_message ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handled_message USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON handled_message TO postroom_app;

-- job and detail are json, not jsonb: they come back as they went in, "\u0000" included.
CREATE TABLE outcome (
    tenant   text        NOT NULL,
    id       bigint      GENERATED ALWAYS AS IDENTITY,
    mailbox  text        NOT NULL,
    job_id   text        NOT NULL,
    message  text        NOT NULL,
    outcome  text        NOT NULL,
    detail   json        NOT NULL,
    attempt  integer     NOT NULL,
    at       timestamptz NOT NULL,
    job      json        NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX outcome_at ON outcome (tenant, at, id);
CREATE INDEX outcome_mailbox ON outcome (tenant, mailbox, at, id);
CREATE INDEX outcome_job ON outcome (tenant, job_id);
CREATE INDEX outcome_message ON outcome (tenant, message) WHERE message <> '';

ALTER TABLE outcome ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outcome USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON outcome TO postroom_app;
