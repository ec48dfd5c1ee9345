// Decisions by when they were made: lists of them read these indexes, not every entity.

CREATE INDEX confirmed_at IF NOT EXISTS
FOR ()-[confirmed:CONFIRMED]-() ON (confirmed.at);

CREATE INDEX rejected_at IF NOT EXISTS
FOR ()-[rejected:REJECTED]-() ON (rejected.at);

CALL db.awaitIndexes(300);
