-- The built-in helpdesk: tickets, their comments, the files of these, and the ids that tie messages
-- into conversations.

-- A row and not a sequence: a number taken in a transaction that fails is given out again.
CREATE TABLE ticket_counter (
    tenant  text    PRIMARY KEY,
    last    integer NOT NULL
);

ALTER TABLE ticket_counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_counter USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE ON ticket_counter TO postroom_app;

-- opening is the comment that stands first. A ticket that was merged holds nothing but the number
-- that it leads to, which is never itself merged.
CREATE TABLE ticket (
    tenant       text    NOT NULL,
    number       integer NOT NULL,
    mailbox      text    NOT NULL,
    opening      bigint,
    merged_into  integer,
    PRIMARY KEY (tenant, number),
    FOREIGN KEY (tenant, merged_into) REFERENCES ticket
);

CREATE INDEX ticket_merged ON ticket (tenant, merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE ON ticket TO postroom_app;

CREATE TABLE comment (
    tenant        text        NOT NULL,
    id            bigint      GENERATED ALWAYS AS IDENTITY,
    mailbox       text        NOT NULL,
    ticket        integer     NOT NULL,
    message       text        NOT NULL,
    digest        text        NOT NULL,
    message_id    text        NOT NULL,
    refs          text[]      NOT NULL,
    author_name   text        NOT NULL,
    author_email  text        NOT NULL,
    subject       text        NOT NULL,
    text          text        NOT NULL,
    html          text        NOT NULL,
    written_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant, id),
    CONSTRAINT comment_message_key UNIQUE (tenant, mailbox, message, digest),
    FOREIGN KEY (tenant, ticket) REFERENCES ticket
);

CREATE INDEX comment_ticket ON comment (tenant, ticket);

ALTER TABLE comment ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON comment USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT, UPDATE ON comment TO postroom_app;

CREATE TABLE document (
    tenant        text    NOT NULL,
    comment       bigint  NOT NULL,
    position      integer NOT NULL,
    filename      text    NOT NULL,
    content_type  text    NOT NULL,
    size          bigint  NOT NULL,
    blob          text    NOT NULL,
    content_id    text    NOT NULL,
    inline        boolean NOT NULL,
    PRIMARY KEY (tenant, comment, position),
    FOREIGN KEY (tenant, comment) REFERENCES comment
);

ALTER TABLE document ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON document USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON document TO postroom_app;

-- Every id that a comment has or refers to. It leads to the comment, not to the ticket, so that a
-- merge has nothing to change here.
CREATE TABLE thread_id (
    tenant      text   NOT NULL,
    mailbox     text   NOT NULL,
    message_id  text   NOT NULL,
    comment     bigint NOT NULL,
    PRIMARY KEY (tenant, mailbox, message_id, comment),
    FOREIGN KEY (tenant, comment) REFERENCES comment
);

ALTER TABLE thread_id ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON thread_id USING (tenant = current_setting('postroom.tenant', true));
GRANT SELECT, INSERT ON thread_id TO postroom_app;
