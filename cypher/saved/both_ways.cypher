// title: Related both ways
// question: Which services and this one lead to each other?
// Purpose: entities that the given one is related to and that are related to it; score is the weaker of the two.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
MATCH (source)-[there:$(version.relation_type)]->(target:Entity)
MATCH (target)-[back:$(version.relation_type)]->(source)
WHERE NOT (source)-[:REJECTED]->(target) AND NOT (target)-[:REJECTED]->(source)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
WITH target, CASE WHEN there.score < back.score THEN there.score ELSE back.score END AS score
RETURN target.id AS id, target.name AS name, target.type AS type, score
ORDER BY score DESC, id
LIMIT $limit
