// Purpose: names and types of entities as they are now, in the order of the ids.
// params: ids (list of entity ids)
// returns: names, types
UNWIND $ids AS id
OPTIONAL MATCH (e:Entity {id: id})
RETURN collect(coalesce(e.name, '')) AS names, collect(coalesce(e.type, '')) AS types
