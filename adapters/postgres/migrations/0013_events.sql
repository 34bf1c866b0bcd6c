-- Events for subscribers: see docs/adr/0048 and domain/events.

-- Written in the transaction of what it states, if anybody subscribes to it, and deleted in the one
-- that makes a handover of it for each subscriber. position is the order of writing.
CREATE TABLE event (
    tenant    text        NOT NULL,
    id        text        NOT NULL,
    position  bigint      GENERATED ALWAYS AS IDENTITY,
    type      text        NOT NULL,
    at        timestamptz NOT NULL,
    data      jsonb       NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX event_position ON event (position);

ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event USING (tenant = current_setting('postroom.tenant', true));
GRANT INSERT ON event TO postroom_app;

-- Who subscribes is looked up with every outcome.
CREATE INDEX application_subscriber ON application (tenant)
    WHERE settings ->> 'role' = 'subscriber';

-- A handover without a job is an event's.
CREATE INDEX handover_event ON handover (accepted_at) WHERE job_id IS NULL;
