// Purpose: confirm pairs, each once in its direction, and take back that they were rejected, in one transaction. What a
//   marketer says stays the marketer's when results bear it out (`result_at` is when they first did). Pairs that one
//   of `yields_to` rejected are left as they are. The same words again change nothing.
// params: pairs (list of {source, target, score: number or null}), source ('marketer' or 'result'), by (string),
//   note (string), yields_to (list of sources), default_score (number, where no version has the relation)
// returns: source, target
UNWIND $pairs AS pair
MATCH (u:Entity {id: pair.source})
MATCH (v:Entity {id: pair.target})
SET u.lock = true
REMOVE u.lock
WITH u, v, pair
WHERE NOT EXISTS { (u)-[no:REJECTED]->(v) WHERE coalesce(no.source, 'marketer') IN $yields_to }
CALL (u, v) {
  MATCH (u)-[no:REJECTED]->(v)
  DELETE no
}
MERGE (u)-[c:CONFIRMED]->(v)
WITH u, v, pair, c,
  coalesce(c.sources, [s IN [c.source] WHERE s IS NOT NULL]) AS sources,
  (c.source IS NULL OR $source = 'marketer' OR c.source = 'result')
    AND NOT (coalesce(c.source, '') = $source AND coalesce(c.by, '') = $by AND coalesce(c.note, '') = $note) AS speaks
SET c.score = coalesce(pair.score, c.score, $default_score),
    c.sources = CASE WHEN $source IN sources THEN sources ELSE sources + $source END,
    c.result_at = CASE WHEN $source = 'result' THEN coalesce(c.result_at, datetime()) ELSE c.result_at END
FOREACH (_ IN CASE WHEN speaks THEN [1] ELSE [] END |
  SET c.source = $source, c.by = $by, c.note = $note, c.at = datetime())
RETURN u.id AS source, v.id AS target
