// purpose: read the entities with the given ids; ids that are not there give no row
// params: ids (list of strings)
// returns: id, name, type, aliases, description, sensitive, category, decided_by
UNWIND $ids AS id
MATCH (entity:Entity {id: id})
RETURN entity.id AS id, entity.name AS name, entity.type AS type, entity.aliases AS aliases,
       entity.description AS description, coalesce(entity.sensitive = true, false) AS sensitive,
       entity.sensitive_category AS category, entity.sensitive_by AS decided_by
