// Purpose: the saved queries that people keep, all or one; those of the package are files. A node that says of `own`
//   anything but false is a person's; its properties may be of any type.
// params: name (string, null for all)
// returns: name, cypher, by, at
MATCH (query:SavedQuery)
WHERE coalesce(query.own <> false, false) AND ($name IS NULL OR query.name = $name)
RETURN query.name AS name, query.cypher AS cypher, query.by AS by, toStringOrNull(query.at) AS at
ORDER BY name
