-- Messages that are handed over to applications of the user's: see domain/handover.

-- tenant is the owner: '' is the installation, whose applications serve any tenant. secrets is
-- ciphertext, bound to its own row: the destination, the signing secrets, and the other URLs.
CREATE TABLE application (
    tenant    text        NOT NULL,
    name      text        NOT NULL,
    settings  jsonb       NOT NULL,
    secrets   bytea       NOT NULL,
    added_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Only the owner of the tables adds one: a name is to be nobody else's, whatever the tenant.
ALTER TABLE application ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON application USING (tenant = current_setting('postroom.tenant', true));
CREATE POLICY installation ON application FOR SELECT USING (tenant = '');
GRANT SELECT, DELETE, UPDATE (settings, secrets) ON application TO postroom_app;

-- One row an application, locked by whoever claims or settles: so calls are counted exactly. turn is
-- the lane that was called with last. There may be a row without an application: who removes that
-- does not wait for calls that are on their way.
CREATE TABLE application_health (
    tenant  text  NOT NULL,
    name    text  NOT NULL,
    health  jsonb NOT NULL,
    turn    text  NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 20);

ALTER TABLE application_health ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON application_health USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, DELETE ON application_health TO postroom_app;

-- The application of all mailboxes of a tenant that have none of their own.
CREATE TABLE tenant_application (
    tenant       text PRIMARY KEY,
    application  text NOT NULL
);

ALTER TABLE tenant_application ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenant_application USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE (application), DELETE ON tenant_application TO postroom_app;

ALTER TABLE mailbox ADD application text NOT NULL DEFAULT '';
GRANT UPDATE (application) ON mailbox TO postroom_app;

-- owner is that of the application, as it was when the message was accepted. body is compressed
-- (RFC 1950), and body_size is of what it was before. job is json, as in outcome, and no field of it
-- can be read in SQL: it may hold "\u0000". A tenant holds no slash, so lane is of one mailbox.
CREATE TABLE handover (
    tenant          text        NOT NULL,
    key             text        NOT NULL COLLATE "C",
    application     text        NOT NULL,
    owner           text        NOT NULL,
    mailbox         text        NOT NULL,
    lane            text        NOT NULL COLLATE "C"
                                GENERATED ALWAYS AS (tenant || '/' || mailbox) STORED,
    identity        text        NOT NULL,
    sequence        bigint,
    received_at     timestamptz NOT NULL,
    accepted_at     timestamptz NOT NULL,
    state           text        NOT NULL,
    due_at          timestamptz NOT NULL,
    fence           integer     NOT NULL,
    lease_until     timestamptz,
    began_at        timestamptz,
    failed_began    timestamptz,
    failures        integer     NOT NULL,
    forgiven        integer     NOT NULL,
    unsure          integer     NOT NULL,
    charged         integer     NOT NULL,
    may_be_handled  boolean     NOT NULL,
    reference       text        NOT NULL,
    url             text        NOT NULL,
    reason          text        NOT NULL,
    ended_at        timestamptz,
    redriven_at     timestamptz,
    last_answer     json        NOT NULL DEFAULT '{}',
    job_id          text,
    job             json,
    traceparent     text        NOT NULL,
    raw             text        NOT NULL,
    raw_size        bigint      NOT NULL,
    body_size       bigint      NOT NULL,
    body            bytea       NOT NULL,
    PRIMARY KEY (tenant, key, application),
    CONSTRAINT handover_job CHECK (num_nulls(job_id, job) IN (0, 2))
);

ALTER TABLE handover ALTER body SET STORAGE EXTERNAL;

-- What may be called with: of each lane what has been due for the longest, or what comes first. The
-- last one has the backlog, too, which is large when nothing is called with, and counted often then.
CREATE INDEX handover_waiting ON handover (owner, application, lane, due_at)
    WHERE state = 'waiting';
CREATE INDEX handover_calling ON handover (owner, application, lease_until)
    WHERE state = 'calling';
CREATE INDEX handover_open ON handover (owner, application, lane, sequence NULLS FIRST, accepted_at, key)
    INCLUDE (state, raw_size, body_size)
    WHERE state IN ('waiting', 'calling', 'held');

CREATE INDEX handover_accepted ON handover (accepted_at, key);
CREATE INDEX handover_tenant ON handover (tenant, accepted_at, key);
CREATE INDEX handover_key ON handover (key);
CREATE INDEX handover_identity ON handover (tenant, identity);
CREATE INDEX handover_dead ON handover (accepted_at, key) WHERE state IN ('refused', 'dead');
CREATE INDEX handover_handled ON handover (owner, application, ended_at)
    WHERE state IN ('done', 'duplicate', 'skipped');

ALTER TABLE handover ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handover USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON handover TO postroom_app;
GRANT UPDATE (state, due_at, fence, lease_until, began_at, failed_began, failures, forgiven, unsure,
              charged, may_be_handled, reference, url, reason, ended_at, redriven_at, last_answer)
    ON handover TO postroom_app;

-- The last number of each mailbox, for an application that wants an order. A row and not a sequence:
-- a number taken in a transaction that fails is given out again.
CREATE TABLE handover_sequence (
    tenant       text   NOT NULL,
    mailbox      text   NOT NULL,
    application  text   NOT NULL,
    last         bigint NOT NULL,
    PRIMARY KEY (tenant, mailbox, application)
);

ALTER TABLE handover_sequence ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handover_sequence USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE (last) ON handover_sequence TO postroom_app;
