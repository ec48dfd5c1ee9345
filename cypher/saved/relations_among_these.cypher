// title: Relations among several services
// question: How are these services related to each other?
// Purpose: relations whose ends are both among the given entities, strongest first; confirmed ones too. Give ids or
//   exact names.
// params: phrases (texts, suggest entities), limit (integer, default 200, at least 1, at most 10000)
// returns: source, target, source_name, target_name, score, confirmed
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
UNWIND $phrases AS phrase
CALL (phrase) {
  MATCH (source:Entity {id: phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: phrase}) WHERE NOT EXISTS { (:Entity {id: phrase}) } RETURN source
}
WITH version, source WHERE NOT coalesce(source.sensitive = true, false)
WITH version, collect(DISTINCT source) AS sources
UNWIND sources AS source
CALL (source, version) {
  MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
  RETURN target, relation.score AS score, false AS confirmed
  UNION
  MATCH (source)-[relation:CONFIRMED]->(target:Entity)
  RETURN target, relation.score AS score, true AS confirmed
}
WITH sources, source, target, max(score) AS score, any(c IN collect(confirmed) WHERE c) AS confirmed
WHERE target IN sources AND score IS NOT NULL AND NOT (source)-[:REJECTED]->(target)
RETURN source.id AS source, target.id AS target, source.name AS source_name, target.name AS target_name, score,
       confirmed
ORDER BY score DESC, source, target
LIMIT $limit
