// title: Near all of several services
// question: Which services are related to every one of these?
// Purpose: entities that every given one is related to; score is the weakest of the relations. Give ids or exact
//   names.
// params: phrases (texts, suggest entities), limit (integer, default 20, at least 1, at most 10000)
// returns: id, name, type, score
MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)
UNWIND $phrases AS phrase
OPTIONAL CALL (phrase) {
  MATCH (source:Entity {id: phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: phrase}) WHERE NOT EXISTS { (:Entity {id: phrase}) } RETURN source
}
WITH version, collect(DISTINCT source) AS sources, count(*) - count(source) AS unknown
WHERE unknown = 0
UNWIND sources AS source
CALL (source, version) {
  MATCH (source)-[relation:$(version.relation_type)]->(target:Entity)
  RETURN target, relation.score AS score, false AS confirmed
  UNION
  MATCH (source)-[relation:CONFIRMED]->(target:Entity)
  RETURN target, relation.score AS score, true AS confirmed
}
WITH version, sources, source, target, max(score) AS score, any(c IN collect(confirmed) WHERE c) AS confirmed
WHERE score IS NOT NULL AND NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
WITH sources, target, count(*) AS reached, min(score) AS score
WHERE reached = size(sources) AND NOT target IN sources
RETURN target.id AS id, target.name AS name, target.type AS type, score
ORDER BY score DESC, id
LIMIT $limit
