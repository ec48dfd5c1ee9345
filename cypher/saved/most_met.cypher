// title: Most met services of a type
// question: Which entities of this type do most users meet?
// Purpose: entities of one type by how many users met them in 30 days (rounded).
// params: type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach
MATCH (target:Entity {type: $type})
WHERE target.reach IS NOT NULL AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach
ORDER BY reach DESC, id
LIMIT $limit
