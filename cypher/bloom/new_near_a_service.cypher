// title: New this week near $phrase
// question: What is new near this service?
// Purpose: relations of one entity that the week before lacks.
// params: phrase (entity)
// returns: path
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
MATCH path = (source)-[relation:$(version.relation_type)]->(target:Entity)
WHERE NOT (source)-[:REJECTED]->(target)
  AND NOT EXISTS { MATCH (source)-[:$(previous.relation_type)]->(target) }
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
RETURN path
ORDER BY relation.score DESC, target.id
LIMIT 25
