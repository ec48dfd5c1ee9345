// Purpose: reject pairs, each once in its direction, and take back that they were confirmed, in one transaction. Pairs
//   that one of `yields_to` confirmed are left as they are. The same words again change nothing.
// params: pairs (list of {source, target}), source ('marketer' or 'result'), by (string), note (string),
//   yields_to (list of sources)
// returns: source, target
UNWIND $pairs AS pair
MATCH (u:Entity {id: pair.source})
MATCH (v:Entity {id: pair.target})
SET u.lock = true
REMOVE u.lock
WITH u, v
WHERE NOT EXISTS { (u)-[yes:CONFIRMED]->(v) WHERE coalesce(yes.source, 'marketer') IN $yields_to }
CALL (u, v) {
  MATCH (u)-[yes:CONFIRMED]->(v)
  DELETE yes
}
MERGE (u)-[r:REJECTED]->(v)
WITH u, v, r,
  coalesce(r.sources, [s IN [r.source] WHERE s IS NOT NULL]) AS sources,
  (r.source IS NULL OR $source = 'marketer' OR r.source = 'result')
    AND NOT (coalesce(r.source, '') = $source AND coalesce(r.by, '') = $by AND coalesce(r.note, '') = $note) AS speaks
SET r.sources = CASE WHEN $source IN sources THEN sources ELSE sources + $source END,
    r.result_at = CASE WHEN $source = 'result' THEN coalesce(r.result_at, datetime()) ELSE r.result_at END
FOREACH (_ IN CASE WHEN speaks THEN [1] ELSE [] END |
  SET r.source = $source, r.by = $by, r.note = $note, r.at = datetime())
RETURN u.id AS source, v.id AS target
