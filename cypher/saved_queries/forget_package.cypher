// Purpose: forget the package's saved queries that it does not have any more.
// params: names (list of those that it has)
// returns: removed
MATCH (query:SavedQuery)
WHERE NOT coalesce(query.own, false) AND NOT query.name IN $names
DELETE query
RETURN count(*) AS removed
