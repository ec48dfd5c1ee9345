// Purpose: the saved queries that people keep, all or one; those of the package are files.
// params: name (string, null for all)
// returns: name, cypher, by, at
MATCH (query:SavedQuery)
WHERE query.own AND ($name IS NULL OR query.name = $name)
RETURN query.name AS name, query.cypher AS cypher, query.by AS by, toString(query.at) AS at
ORDER BY name
