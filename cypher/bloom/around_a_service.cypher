// title: Two hops around $phrase
// question: How far does this service spread?
// Purpose: the ten best relations of one entity, and the five best of each of these.
// params: phrase (entity)
// returns: path
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
CALL (source, version) {
  MATCH (source)-[first:$(version.relation_type)|CONFIRMED]->(one:Entity)
  WHERE NOT (source)-[:REJECTED]->(one)
    AND none(e IN [source, one] WHERE coalesce(e.sensitive = true, false))
  RETURN first, one
  ORDER BY first.score DESC, one.id
  LIMIT 10
}
CALL (source, version, first, one) {
  MATCH path = (source)-[first]->(one)-[second:$(version.relation_type)|CONFIRMED]->(two:Entity)
  WHERE two <> source AND NOT (one)-[:REJECTED]->(two)
    AND none(e IN [two] WHERE coalesce(e.sensitive = true, false))
  RETURN path
  ORDER BY second.score DESC, two.id
  LIMIT 5
  UNION
  MATCH path = (source)-[first]->(one)
  RETURN path
}
RETURN path
