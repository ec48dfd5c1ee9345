// Purpose: names and types of entities by id.
// params: ids (list of entity ids)
// returns: id, name, type
UNWIND $ids AS wanted
MATCH (entity:Entity {id: wanted})
RETURN entity.id AS id, entity.name AS name, entity.type AS type
