// Purpose: forget the package's saved queries that it does not have any more.
// params: names (list of those that it has)
// returns: removed
MATCH (query:SavedQuery)
WHERE NOT coalesce(query.own <> false, false) AND NOT coalesce(query.name IN $names, false)
DETACH DELETE query
RETURN count(*) AS removed
