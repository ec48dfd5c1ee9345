// Saved queries by name: those of the package, for people who only have Browser, and those that people saved.

CREATE CONSTRAINT saved_query_name IF NOT EXISTS
FOR (query:SavedQuery) REQUIRE query.name IS UNIQUE;

CALL db.awaitIndexes(300);
