// title: Services near a service
// question: Which services are most strongly related to this one?
// Purpose: relations of one entity, best first, with confirmed ones, without rejected ones and sensitive entities.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
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
RETURN target.id AS id, target.name AS name, target.type AS type, score, confirmed
ORDER BY score DESC, id
LIMIT $limit
