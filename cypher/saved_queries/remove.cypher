// Purpose: forget a saved query that somebody kept; those of the package stay.
// params: name (string)
// returns: removed
MATCH (query:SavedQuery)
WHERE coalesce(query.own <> false, false) AND coalesce(toStringOrNull(query.name), 'None') = $name
DETACH DELETE query
RETURN count(*) AS removed
