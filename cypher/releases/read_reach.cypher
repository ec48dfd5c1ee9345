// Purpose: the reach of every entity that has one other than 0.
// params: none
// returns: ids, reach
MATCH (entity:Entity)
WHERE entity.reach <> 0
RETURN collect(entity.id) AS ids, collect(entity.reach) AS reach
