-- What a receiver needs in your database, in the same one as your own tables.

CREATE TABLE IF NOT EXISTS inbox_key (
    key text PRIMARY KEY,  -- a second call of a key waits here until the first has committed
    ticket bigint,         -- what the message became: the reference of every answer
    at timestamptz NOT NULL DEFAULT now()
);

-- Stands for what your application makes of a message.
CREATE TABLE IF NOT EXISTS ticket (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender text,
    subject text
);
