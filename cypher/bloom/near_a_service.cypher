// title: Services near $phrase
// question: What is near this service?
// Purpose: relations of one entity, the 25 best.
// params: phrase (entity)
// returns: path
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
MATCH path = (source)-[relation:$(version.relation_type)|CONFIRMED]->(target:Entity)
WHERE NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
RETURN path
ORDER BY relation.score DESC, target.id
LIMIT 25
