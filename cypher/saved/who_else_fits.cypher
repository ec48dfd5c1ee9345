// title: What else fits an audience
// question: Which services fit this audience, and are not in it yet?
// Purpose: entities that several picked ones are related to, and that the audience is not picked by: by how many lead
//   there, then by the sum of their scores.
// params: audience (text, suggest audiences), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, led_from, score, reach
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
MATCH (audience:Audience {name: $audience})-[:PICKED]->(source:Entity)
MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
WHERE NOT (source)-[:REJECTED]->(target) AND NOT (audience)-[:PICKED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
WITH target, count(*) AS led_from, sum(relation.score) AS score
RETURN target.id AS id, target.name AS name, target.type AS type, led_from, score, target.reach AS reach
ORDER BY led_from DESC, score DESC, id
LIMIT $limit
