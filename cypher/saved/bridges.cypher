// title: Bridges between two services
// question: What do these two services have in common?
// Purpose: entities that both are related to; score is the weaker of the two relations.
// params: phrase (entity), other (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score, from_first, from_other
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (first:Entity {id: $phrase}) RETURN first
  UNION
  MATCH (first:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN first
}
CALL () {
  MATCH (second:Entity {id: $other}) RETURN second
  UNION
  MATCH (second:Entity {name: $other}) WHERE NOT EXISTS { (:Entity {id: $other}) } RETURN second
}
WITH version, first, second WHERE first <> second
CALL (first, version) {
  MATCH (first)-[relation:$(version.relation_type)|CONFIRMED]->(target:Entity)
  WHERE NOT (first)-[:REJECTED]->(target)
  RETURN target, max(relation.score) AS from_first
}
CALL (second, target, version) {
  MATCH (second)-[relation:$(version.relation_type)|CONFIRMED]->(target)
  WHERE NOT (second)-[:REJECTED]->(target)
  RETURN max(relation.score) AS from_other
}
WITH first, second, target, from_first, from_other
WHERE from_first IS NOT NULL AND from_other IS NOT NULL
  AND none(e IN [first, second, target] WHERE coalesce(e.sensitive = true, false))
RETURN target.id AS id, target.name AS name, target.type AS type, CASE WHEN from_first < from_other THEN from_first ELSE from_other END AS score, from_first, from_other
ORDER BY score DESC, id
LIMIT $limit
