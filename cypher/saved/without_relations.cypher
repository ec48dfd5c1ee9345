// title: Services without relations
// question: Which services lead nowhere this week?
// Purpose: entities of one type that no relation of the current version starts from, and no confirmed one; an
//   expansion from them stays where it is.
// params: type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (target:Entity {type: $type})
WHERE NOT EXISTS { (target)-[:$(version.relation_type)|CONFIRMED]->() } AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach
ORDER BY coalesce(reach, 0) DESC, id
LIMIT $limit
