// Purpose: forget a saved query that somebody kept; those of the package stay.
// params: name (string)
// returns: removed
MATCH (query:SavedQuery {name: $name})
WHERE query.own
DELETE query
RETURN count(*) AS removed
