-- The original of each message, and what is needed to delete blobs that nothing refers to.

-- original is a key of the blob store, of original_size bytes; empty for what was filed before.
-- headers are the message's fields in order, each a name and a value.
ALTER TABLE comment
    ADD original       text   NOT NULL DEFAULT '',
    ADD original_size  bigint NOT NULL DEFAULT 0,
    ADD headers        text[] NOT NULL DEFAULT '{}';

-- What refers to a blob.
CREATE INDEX comment_original ON comment (tenant, original) WHERE original <> '';
CREATE INDEX document_blob ON document (tenant, blob);
CREATE INDEX handover_raw ON handover (tenant, raw) WHERE raw <> '';

-- By a canary each process proves that all others can read the blobs that it writes. key is a blob
-- of content that nobody else has; a process that
-- was not seen for some minutes is gone.
CREATE TABLE blob_canary (
    host        text        NOT NULL,
    pid         integer     NOT NULL,
    key         text        NOT NULL,
    written_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (host, pid)
);
