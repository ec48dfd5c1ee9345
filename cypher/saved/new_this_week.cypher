// title: New this week
// question: Which services became related to this one since the week before?
// Purpose: relations of one entity in the current version that the version of the week before lacks, best first;
//   without sensitive entities.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score
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
WHERE NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
  AND NOT EXISTS { MATCH (source)-[:$(previous.relation_type)]->(target) }
RETURN target.id AS id, target.name AS name, target.type AS type, relation.score AS score
ORDER BY score DESC, id
LIMIT $limit
