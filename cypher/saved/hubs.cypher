// title: Hubs of a type
// question: Which entities of this type are related to most others?
// Purpose: entities of one type by the number of relations that lead to them: what everything is related to tells
//   little.
// params: type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, led_from, leads_to
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (target:Entity {type: $type})
WHERE NOT coalesce(target.sensitive = true, false)
WITH target, COUNT { (target)<-[:$(version.relation_type)]-() } AS led_from, version
WHERE led_from > 0
RETURN target.id AS id, target.name AS name, target.type AS type, led_from, COUNT { (target)-[:$(version.relation_type)]->() } AS leads_to
ORDER BY led_from DESC, id
LIMIT $limit
