// title: Hubs of a type
// question: Which entities of this type are related to most others?
// Purpose: entities of one type by the number of relations that lead to them: what everything is related to tells
//   little. The `among` that most users met are looked at. Rejected relations do not count.
// params: type (text, suggest entity_types), among (integer, default 1000, at least 1, at most 100000),
//   limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, led_from, leads_to
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (target:Entity {type: $type})
WHERE NOT coalesce(target.sensitive = true, false)
WITH version, target ORDER BY coalesce(target.reach, 0) DESC, target.id LIMIT $among
WITH target, COUNT { (target)<-[:$(version.relation_type)]-() }
       - COUNT { (target)<-[:REJECTED]-(other) WHERE EXISTS { (target)<-[:$(version.relation_type)]-(other) } } AS led_from, version
WHERE led_from > 0
WITH version, target, led_from
ORDER BY led_from DESC, target.id
LIMIT $limit
RETURN target.id AS id, target.name AS name, target.type AS type, led_from,
       COUNT { (target)-[:$(version.relation_type)]->() }
       - COUNT { (target)-[:REJECTED]->(other) WHERE EXISTS { (target)-[:$(version.relation_type)]->(other) } } AS leads_to
ORDER BY led_from DESC, id
