// Purpose: audiences that the graph knows, by name.
// params: typed (text), limit (integer)
// returns: value, label
MATCH (audience:Audience)
WHERE audience.name STARTS WITH $typed
RETURN DISTINCT audience.name AS value, audience.name AS label
ORDER BY value
LIMIT $limit
