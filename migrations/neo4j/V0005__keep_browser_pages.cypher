// The guide and the style sheet of Neo4j Browser by name: `migrate` and `load entities` write them, the server hands
// them to Browser.

CREATE CONSTRAINT browser_page_name IF NOT EXISTS
FOR (page:BrowserPage) REQUIRE page.name IS UNIQUE;

CALL db.awaitIndexes(300);
