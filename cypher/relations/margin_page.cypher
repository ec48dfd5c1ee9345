// Purpose: the relations of the next entities by id with all that was measured of them, each entity's by rank; repeat
//   with the last source until no row comes.
// params: relation_type (string, RelationVersion.relation_type), after (entity id, '' at first), page (integer, entities)
// returns: source, targets, scores, logits, margins, provenance
MATCH (u:Entity) WHERE u.id > $after
WITH u ORDER BY u.id LIMIT $page
CALL (u) {
  MATCH (u)-[r:$($relation_type)]->(v:Entity)
  WITH v, r ORDER BY r.rank
  RETURN
    collect(v.id) AS targets, collect(r.score) AS scores, collect(r.logit) AS logits, collect(r.margin) AS margins,
    collect(r.provenance) AS provenance
}
RETURN u.id AS source, targets, scores, logits, margins, provenance ORDER BY source
