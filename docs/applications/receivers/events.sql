-- What a subscriber has heard: each event once, by its id.

CREATE TABLE IF NOT EXISTS heard_event (
    id text PRIMARY KEY,
    type text NOT NULL,
    at timestamptz NOT NULL,
    body json NOT NULL
);
