// title: Near a service, of one type
// question: Which brands (or shops, apps, people ...) are related to this service?
// Purpose: relations of one entity to entities of one type, best first.
// params: phrase (entity), type (text, suggest entity_types), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score, confirmed
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
CALL (source, version) {
  MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
  RETURN target, relation.score AS score, false AS confirmed
  UNION
  MATCH (source)-[relation:CONFIRMED]->(target:Entity)
  RETURN target, relation.score AS score, true AS confirmed
}
WITH version, source, target, max(score) AS score, any(c IN collect(confirmed) WHERE c) AS confirmed
WHERE score IS NOT NULL AND NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
  AND target.type = $type
RETURN target.id AS id, target.name AS name, target.type AS type, score, confirmed
ORDER BY score DESC, id
LIMIT $limit
