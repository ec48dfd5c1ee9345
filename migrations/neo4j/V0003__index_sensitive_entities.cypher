// Sensitive entities are read at every expansion that follows a write: an index makes that one seek.

CREATE INDEX entity_sensitive IF NOT EXISTS
FOR (entity:Entity) ON (entity.sensitive);

CALL db.awaitIndexes(300);
