// Purpose: add one batch of relations to a version that is being staged, exactly once: the batch counts only when
//   the version holds just what came before it, so a repeated, late or retried batch writes nothing.
// params: version (string), offset (relations written before), ids (list of entity ids), source (places in ids),
//   start (list: source s owns the rows start[s] to start[s + 1]), threshold (list: one logit per source), target
//   (places in ids), score, logit, margin, rank, provenance (places in kinds), kinds (list of strings),
//   relation_type (string)
// returns: written
MATCH (version:RelationVersion {version: $version})
SET version.lock = true
REMOVE version.lock
WITH version
WHERE version.written = $offset AND version.status = 'staging'
UNWIND range(0, size($ids) - 1) AS place
MATCH (entity:Entity {id: $ids[place]})
WITH version, place, entity
ORDER BY place
WITH version, collect(entity) AS entities
WHERE size(entities) = size($ids)
SET version.written = $offset + size($target)
WITH entities
UNWIND range(0, size($source) - 1) AS s
WITH entities, entities[$source[s]] AS source, $threshold[s] AS eps, $start[s] AS first, $start[s + 1] - 1 AS last
UNWIND range(first, last) AS i
WITH source, eps, entities[$target[i]] AS target, i
CREATE (source)-[:$($relation_type) {
  score: $score[i], logit: $logit[i], threshold: eps, margin: $margin[i], rank: $rank[i],
  provenance: $kinds[$provenance[i]]
}]->(target)
RETURN count(*) AS written
