// purpose: read the whole entity dictionary
// params: none
// returns: id, name, type, aliases, description, sensitive
MATCH (entity:Entity)
RETURN entity.id AS id, entity.name AS name, entity.type AS type, entity.aliases AS aliases,
       entity.description AS description, entity.sensitive AS sensitive
