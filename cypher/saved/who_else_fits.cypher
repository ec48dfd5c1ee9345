// title: What else fits an audience
// question: Which services fit this audience, and are not in it yet?
// Purpose: entities that several picked ones are related to, and that the audience is not picked by: by how many lead
//   there, then by the sum of their scores. The most relevant `picks` of the audience count, each with its `fan_out`
//   strongest relations.
// params: audience (text, suggest audiences), picks (integer, default 100, at least 1, at most 1000), fan_out (integer,
//   default 50, at least 1, at most 1000), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, led_from, score, reach
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (audience:Audience {name: $audience})
CALL (audience) {
  MATCH (audience)-[picked:PICKED]->(source:Entity)
  WHERE NOT coalesce(source.sensitive = true, false)
  RETURN source
  ORDER BY picked.relevance DESC, picked.hop, source.id LIMIT $picks
}
MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
WHERE relation.rank <= $fan_out AND NOT (source)-[:REJECTED]->(target)
WITH audience, target, count(*) AS led_from, round(sum(relation.score), 6) AS score
WHERE NOT (audience)-[:PICKED]->(target) AND NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type, led_from, score, target.reach AS reach
ORDER BY led_from DESC, score DESC, id
LIMIT $limit
