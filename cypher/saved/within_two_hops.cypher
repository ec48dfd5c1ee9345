// title: Within two hops of a service
// question: How far does this service spread?
// Purpose: entities within two hops over the strongest relations; relevance is the largest product of scores over all
//   paths, hop the length of that path. Over many seeds, or deeper, ask `audience.expand`.
// params: phrase (entity), fan_out (integer, default 50, at least 1, at most 1000), min_relevance (number, default
//   0.05, at least 0, at most 1), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, hop, relevance, via
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
CALL (source, version) {
  CALL (source, version) {
    MATCH (source)-[relation:$(version.relation_type)]->(target:Entity) WHERE relation.rank <= $fan_out
    RETURN target, relation.score AS relevance
    UNION
    MATCH (source)-[relation:CONFIRMED]->(target:Entity) RETURN target, relation.score AS relevance
  }
  WITH source, target, relevance WHERE NOT (source)-[:REJECTED]->(target)
  RETURN target, 1 AS hop, relevance, source.name AS via
  UNION
  CALL (source, version) {
    MATCH (source)-[relation:$(version.relation_type)]->(one:Entity) WHERE relation.rank <= $fan_out
    RETURN one, relation.score AS first
    UNION
    MATCH (source)-[relation:CONFIRMED]->(one:Entity) RETURN one, relation.score AS first
  }
  WITH version, source, one, max(first) AS first
  WHERE NOT (source)-[:REJECTED]->(one) AND NOT coalesce(one.sensitive = true, false)
  CALL (one, version) {
    MATCH (one)-[relation:$(version.relation_type)]->(target:Entity) WHERE relation.rank <= $fan_out
    RETURN target, relation.score AS second
    UNION
    MATCH (one)-[relation:CONFIRMED]->(target:Entity) RETURN target, relation.score AS second
  }
  WITH source, one, target, first * second AS relevance
  WHERE target <> source AND NOT (one)-[:REJECTED]->(target)
  RETURN target, 2 AS hop, relevance, one.name AS via
}
WITH source, target, hop, relevance, via
WHERE relevance >= $min_relevance AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
ORDER BY relevance DESC, hop, via
WITH target, collect({hop: hop, relevance: relevance, via: via})[0] AS best
RETURN target.id AS id, target.name AS name, target.type AS type, best.hop AS hop, best.relevance AS relevance, best.via AS via
ORDER BY relevance DESC, hop, id
LIMIT $limit
