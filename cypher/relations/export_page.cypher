// Purpose: the relations of the next entities by id, each entity's by rank; repeat with the last source until a page
//   is not full.
// params: relation_type (string, RelationVersion.relation_type), after (entity id, '' at first), page (integer, entities)
// returns: source, targets, scores, ranks
MATCH (u:Entity) WHERE u.id > $after
WITH u ORDER BY u.id LIMIT $page
CALL (u) {
  MATCH (u)-[r:$($relation_type)]->(v:Entity)
  WITH v, r ORDER BY r.rank
  RETURN collect(v.id) AS targets, collect(r.score) AS scores, collect(r.rank) AS ranks
}
RETURN u.id AS source, targets, scores, ranks ORDER BY source
