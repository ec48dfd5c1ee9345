// Purpose: what was decided about relations, latest first: all of it, or about some pairs.
// params: pairs (list of [source id, target id], null for all)
// returns: decision, source_id, source_name, target_id, target_name, score, sources, by, at, note, result_at
CALL () {
  WITH $pairs AS pairs
  WHERE pairs IS NULL
  MATCH (u:Entity)-[r:CONFIRMED|REJECTED]->(v:Entity)
  RETURN u, r, v
  UNION
  UNWIND coalesce($pairs, []) AS pair
  MATCH (u:Entity {id: pair[0]})-[r:CONFIRMED|REJECTED]->(v:Entity {id: pair[1]})
  RETURN u, r, v
}
RETURN toLower(type(r)) AS decision, u.id AS source_id, u.name AS source_name, v.id AS target_id,
       v.name AS target_name, toFloat(r.score) AS score,
       coalesce(r.sources, [s IN [r.source] WHERE s IS NOT NULL]) AS sources, r.by AS by, toString(r.at) AS at,
       r.note AS note, toString(r.result_at) AS result_at
ORDER BY at DESC, source_id, target_id
