// title: Who leads to a service
// question: Which services lead to this one?
// Purpose: entities with a relation to the given one, best first: relations are directed, and these pass their own
//   threshold.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score, confirmed
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (goal:Entity {id: $phrase}) RETURN goal
  UNION
  MATCH (goal:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN goal
}
CALL (goal, version) {
  MATCH (target:Entity)-[relation:$(version.relation_type)]->(goal)
  RETURN target, relation.score AS score, false AS confirmed
  UNION
  MATCH (target:Entity)-[relation:CONFIRMED]->(goal)
  RETURN target, relation.score AS score, true AS confirmed
}
WITH goal, target, max(score) AS score, any(c IN collect(confirmed) WHERE c) AS confirmed
WHERE score IS NOT NULL AND NOT (target)-[:REJECTED]->(goal)
  AND none(e IN [goal, target] WHERE coalesce(e.sensitive = true, false))
RETURN target.id AS id, target.name AS name, target.type AS type, score, confirmed
ORDER BY score DESC, id
LIMIT $limit
