-- In the database that Postroom uses, as a user who may create schemas there.
CREATE SCHEMA IF NOT EXISTS tickets;
CREATE TABLE IF NOT EXISTS tickets.ticket (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL DEFAULT current_setting('postroom.tenant'),
    sender text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    files integer NOT NULL
);
GRANT USAGE ON SCHEMA tickets TO postroom_app;
GRANT SELECT, INSERT ON tickets.ticket TO postroom_app;
