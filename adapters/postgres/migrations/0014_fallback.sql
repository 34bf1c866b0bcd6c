-- What has moved to the fallback of its application is deleted as whatever else has ended.

DROP INDEX handover_handled;
CREATE INDEX handover_handled ON handover (owner, application, ended_at)
    WHERE state IN ('done', 'duplicate', 'skipped', 'moved');
