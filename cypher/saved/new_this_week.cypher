// title: New this week
// question: Which services became related to this one since the week before?
// Purpose: relations of one entity in the current version that the version of the week before lacks, best first;
//   without sensitive entities.
// params: phrase (entity), limit (integer, default 20, at least 1, at most 10000), relation_type (filled in),
//   previous_relation_type (filled in)
// returns: id, name, type, score
CALL () {
  MATCH (source:Entity {id: $phrase}) RETURN source
  UNION
  MATCH (source:Entity {name: $phrase}) WHERE NOT EXISTS { (:Entity {id: $phrase}) } RETURN source
}
MATCH (source)-[relation:$($relation_type)]->(target:Entity)
WHERE NOT (source)-[:REJECTED]->(target)
  AND none(e IN [source, target] WHERE coalesce(e.sensitive = true, false))
  AND NOT EXISTS { MATCH (source)-[before]->(target) WHERE type(before) = $previous_relation_type }
RETURN target.id AS id, target.name AS name, target.type AS type, relation.score AS score
ORDER BY score DESC, id
LIMIT $limit
