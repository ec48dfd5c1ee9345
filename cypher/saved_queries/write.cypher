// Purpose: keep saved queries by name, in place of those that had these names.
// params: queries (list of {name, title, question, cypher, parameters}), own (boolean: a person's, not the package's), by (string)
// returns: written
UNWIND $queries AS one
MERGE (query:SavedQuery {name: one.name})
SET query += one, query.own = $own, query.by = $by, query.at = datetime()
RETURN count(query) AS written
