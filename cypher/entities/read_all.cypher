// purpose: read the whole entity dictionary
// params: none
// returns: id, name, type, aliases, description, sensitive, category, decided_by
MATCH (entity:Entity)
RETURN entity.id AS id, entity.name AS name, entity.type AS type, entity.aliases AS aliases,
       entity.description AS description, coalesce(entity.sensitive = true, false) AS sensitive,
       entity.sensitive_category AS category, entity.sensitive_by AS decided_by
