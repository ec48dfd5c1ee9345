// Purpose: entities whose name begins with what was typed, those that most users met first.
// params: typed (text), limit (integer)
// returns: value, label
MATCH (entity:Entity)
WHERE entity.name STARTS WITH $typed AND NOT coalesce(entity.sensitive = true, false)
RETURN entity.id AS value, entity.name + ' (' + entity.type + ')' AS label
ORDER BY coalesce(entity.reach, 0) DESC, value
LIMIT $limit
