// title: Services between $phrase and $other
// question: What do these two services have in common?
// Purpose: entities that both are related to, the 15 best.
// params: phrase (entity), other (entity)
// returns: path
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
MATCH path = (first)-[one:$(version.relation_type)|CONFIRMED]->(target:Entity)<-[two:$(version.relation_type)|CONFIRMED]-(second)
WHERE first <> second AND NOT (first)-[:REJECTED]->(target) AND NOT (second)-[:REJECTED]->(target)
  AND none(e IN [first, target, second] WHERE coalesce(e.sensitive = true, false))
RETURN path
ORDER BY CASE WHEN one.score < two.score THEN one.score ELSE two.score END DESC, target.id
LIMIT 15
