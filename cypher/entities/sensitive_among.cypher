// Purpose: those of some entities that are sensitive, as they are now.
// params: ids (list of entity ids)
// returns: id, name, type, category
UNWIND $ids AS wanted
MATCH (entity:Entity {id: wanted})
WHERE entity.sensitive = true
RETURN entity.id AS id, entity.name AS name, entity.type AS type, entity.sensitive_category AS category
