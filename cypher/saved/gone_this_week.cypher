// title: Gone this week
// question: Which services were related to this one the week before, and are not any more?
// Purpose: relations of one entity in the version of the week before that the current one lacks, strongest first;
//   without rejected ones.
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
MATCH (source)-[relation:$(previous.relation_type)]->(target:Entity)
WHERE NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
  AND NOT EXISTS { MATCH (source)-[:$(version.relation_type)]->(target) }
RETURN target.id AS id, target.name AS name, target.type AS type, relation.score AS score
ORDER BY score DESC, id
LIMIT $limit
