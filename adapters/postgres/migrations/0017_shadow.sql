-- What came in shadow and is too old is looked for among that alone, and not among all that is old.

CREATE INDEX handover_shadow ON handover (accepted_at) WHERE state = 'shadow';
