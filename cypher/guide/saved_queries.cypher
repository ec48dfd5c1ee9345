// title: Saved queries
// question: Which queries do we keep?
// Purpose: saved queries of the package and of people, with their text to copy.
// params: none
// returns: name, question, parameters, cypher
MATCH (query:SavedQuery)
WHERE query.name >= ''
RETURN query.name AS name, query.question AS question, query.parameters AS parameters, query.cypher AS cypher
ORDER BY name
