// Purpose: the package's saved queries as Neo4j has them.
// params: none
// returns: name, cypher
MATCH (query:SavedQuery)
WHERE NOT coalesce(query.own <> false, false)
RETURN query.name AS name, query.cypher AS cypher
