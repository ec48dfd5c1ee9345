// title: Moved this week
// question: Which relations of this service became stronger or weaker since the week before?
// Purpose: relations of one entity in both versions, by how much their score moved.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score, before, moved
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL (version) {
  MATCH (earlier:RelationVersion)
  WHERE earlier.version < version.week AND earlier.status = 'published'
  RETURN earlier AS previous
  ORDER BY earlier.week DESC, earlier.created_at DESC, earlier.version DESC LIMIT 1
}
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
MATCH (source)-[earlier:$(previous.relation_type)]->(target)
WHERE NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
WITH target, relation.score AS score, earlier.score AS before
RETURN target.id AS id, target.name AS name, target.type AS type, score, before, score - before AS moved
ORDER BY abs(moved) DESC, id
LIMIT $limit
