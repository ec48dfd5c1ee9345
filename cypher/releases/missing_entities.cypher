// Purpose: which of these ids have no entity; the first ten, and how many.
// params: ids (list of entity ids)
// returns: missing, count
UNWIND $ids AS id
OPTIONAL MATCH (entity:Entity {id: id})
WITH id WHERE entity IS NULL
RETURN collect(id)[..10] AS missing, count(id) AS count
