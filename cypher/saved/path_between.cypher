// title: Path between two services
// question: How do I get from this service to that one, over the strongest relations?
// Purpose: the strongest path of at most three relations from one entity to another, by the product of scores;
//   confirmed relations count, rejected ones do not, and no path leads over a sensitive entity.
// params: phrase (entity), other (entity), fan_out (integer, default 50, at least 1, at most 10000)
// returns: names, ids, hops, relevance
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
CALL () {
  MATCH (first:Entity {id: $phrase}) RETURN first
  UNION
  MATCH (first:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN first
}
CALL () {
  MATCH (last:Entity {id: $other}) RETURN last
  UNION
  MATCH (last:Entity {name: $other}) WHERE NOT EXISTS { (:Entity {id: $other}) } RETURN last
}
WITH version, first, last WHERE last <> first
CALL (version, last) {
  MATCH (stop:Entity)-[c:$(version.relation_type)|CONFIRMED]->(last) WHERE coalesce(c.rank, 1) <= $fan_out
  RETURN collect(DISTINCT stop) AS before_last
}
CALL (version, first, last, before_last) {
  MATCH (first)-[a:$(version.relation_type)|CONFIRMED]->(last)
  WHERE coalesce(a.rank, 1) <= $fan_out AND NOT (first)-[:REJECTED]->(last)
  RETURN [first, last] AS stops, a.score AS relevance
  UNION
  MATCH (first)-[a:$(version.relation_type)|CONFIRMED]->(one:Entity)-[b:$(version.relation_type)|CONFIRMED]->(last)
  WHERE coalesce(a.rank, 1) <= $fan_out AND coalesce(b.rank, 1) <= $fan_out
    AND NOT (first)-[:REJECTED]->(one) AND NOT (one)-[:REJECTED]->(last)
  RETURN [first, one, last] AS stops, a.score * b.score AS relevance
  UNION
  MATCH (first)-[a:$(version.relation_type)|CONFIRMED]->(one:Entity)
  WHERE one <> last AND coalesce(a.rank, 1) <= $fan_out AND NOT (first)-[:REJECTED]->(one)
  WITH version, first, last, before_last, one, max(a.score) AS relevance
  MATCH (one)-[b:$(version.relation_type)|CONFIRMED]->(two:Entity)
  WHERE two IN before_last AND two <> first AND one <> two AND coalesce(b.rank, 1) <= $fan_out
  WITH version, first, last, one, two, relevance, max(b.score) AS second
  MATCH (two)-[c:$(version.relation_type)|CONFIRMED]->(last)
  WHERE coalesce(c.rank, 1) <= $fan_out AND NOT (one)-[:REJECTED]->(two) AND NOT (two)-[:REJECTED]->(last)
  RETURN [first, one, two, last] AS stops, relevance * second * c.score AS relevance
}
WITH stops, relevance
WHERE relevance IS NOT NULL AND none(stop IN stops WHERE coalesce(stop.sensitive = true, false))
RETURN [stop IN stops | stop.name] AS names, [stop IN stops | stop.id] AS ids, size(stops) - 1 AS hops, relevance
ORDER BY relevance DESC, hops, ids
LIMIT 1
