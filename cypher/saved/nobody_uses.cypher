// title: Services that no audience uses
// question: Which services do many users meet, and no audience uses?
// Purpose: entities of one type that no audience was picked by, those that most users met first.
// params: type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach
MATCH (target:Entity {type: $type})
WHERE target.reach IS NOT NULL AND NOT EXISTS { (:Audience)-[:PICKED]->(target) } AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach
ORDER BY reach DESC, id
LIMIT $limit
