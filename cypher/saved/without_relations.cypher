// title: Services without relations
// question: Which services lead nowhere this week?
// Purpose: entities of one type that no relation of the current version starts from, and no confirmed one, rejected
//   ones aside; an expansion from them stays where it is.
// params: type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, reach
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (target:Entity {type: $type})
WHERE NOT coalesce(target.sensitive = true, false) AND NOT EXISTS {
  (target)-[:$(version.relation_type)|CONFIRMED]->(other) WHERE NOT EXISTS { (target)-[:REJECTED]->(other) }
}
RETURN target.id AS id, target.name AS name, target.type AS type, target.reach AS reach
ORDER BY coalesce(reach, 0) DESC, id
LIMIT $limit
