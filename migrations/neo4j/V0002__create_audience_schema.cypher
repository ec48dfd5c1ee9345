// Audiences by the number that they have in Postgres: who picked what, and how it did.

CREATE CONSTRAINT audience_id IF NOT EXISTS
FOR (audience:Audience) REQUIRE audience.id IS UNIQUE;

CREATE INDEX audience_name IF NOT EXISTS
FOR (audience:Audience) ON (audience.name);

CALL db.awaitIndexes(300);
