// Purpose: set the rounded reach of entities.
// params: ids (list of entity ids), reach (list of integers)
// returns: written
UNWIND range(0, size($ids) - 1) AS i
MATCH (entity:Entity {id: $ids[i]})
SET entity.reach = $reach[i]
RETURN count(*) AS written
