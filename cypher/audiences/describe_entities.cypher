// Purpose: what entities are called, and whether they are sensitive; ids that are not there give no row.
// params: ids (list of entity ids)
// returns: id, name, type, sensitive
UNWIND $ids AS wanted
MATCH (entity:Entity {id: wanted})
RETURN entity.id AS id, entity.name AS name, entity.type AS type, coalesce(entity.sensitive, false) AS sensitive
