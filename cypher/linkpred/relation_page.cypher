// Purpose: relations of the next entities by id, with the side that proposed each; repeat with the last source until a
//   page is empty.
// params: relation_type (string, RelationVersion.relation_type), after (entity id, '' at first), page (integer, entities)
// returns: source, targets, provenance
MATCH (u:Entity) WHERE u.id > $after
WITH u ORDER BY u.id LIMIT $page
CALL (u) {
  MATCH (u)-[r:$($relation_type)]->(v:Entity)
  WITH v, r ORDER BY v.id
  RETURN collect(v.id) AS targets, collect(r.provenance) AS provenance
}
RETURN u.id AS source, targets, provenance ORDER BY source
