// title: Why two services are related
// question: Why does this service lead to that one?
// Purpose: the relation of two entities: score, the margin above the threshold of the first, its place among the
//   relations of the first, what proposed it, and what was decided about it.
// params: phrase (entity), other (entity)
// returns: score, margin, rank, provenance, confirmed_by, confirmed_at, note, rejected
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
WITH version, first, second WHERE none(e IN [first, second] WHERE coalesce(e.sensitive = true, false))
OPTIONAL MATCH (first)-[relation:$(version.relation_type)]->(second)
OPTIONAL MATCH (first)-[confirmed:CONFIRMED]->(second)
WITH relation, confirmed, EXISTS { (first)-[:REJECTED]->(second) } AS rejected
WHERE relation IS NOT NULL OR confirmed IS NOT NULL OR rejected
RETURN coalesce(relation.score, confirmed.score) AS score, relation.margin AS margin, relation.rank AS rank,
       relation.provenance AS provenance, coalesce(confirmed.sources, [s IN [confirmed.source] WHERE s IS NOT NULL]) AS confirmed_by,
       toString(confirmed.at) AS confirmed_at, confirmed.note AS note, rejected
