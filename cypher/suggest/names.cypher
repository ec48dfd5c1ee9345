// Purpose: names of entities that begin with what was typed, those that most users met first.
// params: typed (text), limit (integer)
// returns: value, label
MATCH (entity:Entity)
WHERE entity.name STARTS WITH $typed AND NOT coalesce(entity.sensitive = true, false)
WITH entity.name AS value, max(coalesce(entity.reach, 0)) AS reach
RETURN value, value AS label
ORDER BY reach DESC, value
LIMIT $limit
