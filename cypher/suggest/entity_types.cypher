// Purpose: types of entities, the most frequent first.
// params: typed (text), limit (integer)
// returns: value, label
MATCH (entity:Entity)
WHERE entity.type STARTS WITH $typed
WITH entity.type AS value, count(*) AS entities
RETURN value, value + ' (' + toString(entities) + ')' AS label
ORDER BY entities DESC, value
LIMIT $limit
