// title: Services that lead to $phrase
// question: What leads to this service?
// Purpose: relations to one entity, the 25 best.
// params: phrase (entity)
// returns: path
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (goal:Entity {id: $phrase}) RETURN goal
  UNION
  MATCH (goal:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN goal
}
MATCH path = (source:Entity)-[relation:$(version.relation_type)|CONFIRMED]->(goal)
WHERE NOT (source)-[:REJECTED]->(goal)
  AND none(e IN [source, goal] WHERE coalesce(e.sensitive = true, false))
RETURN path
ORDER BY relation.score DESC, source.id
LIMIT 25
