// Purpose: add one batch of entity vectors of a version that is being staged, exactly once.
// params: version (string), offset (vectors written before), space (string), ids (list of entity ids),
//   vectors (list of lists of floats), thresholds (list of logits)
// returns: written
MATCH (version:RelationVersion {version: $version})
SET version.lock = true
REMOVE version.lock
WITH version
WHERE version.vectors = $offset AND version.status = 'staging'
UNWIND range(0, size($ids) - 1) AS place
MATCH (entity:Entity {id: $ids[place]})
WITH version, place, entity
ORDER BY place
WITH version, collect(entity) AS entities
WHERE size(entities) = size($ids)
SET version.vectors = $offset + size($ids)
WITH entities
UNWIND range(0, size($ids) - 1) AS i
WITH entities[i] AS entity, i
CREATE (entity)-[:HAS_VECTOR]->(:EntityVector {space: $space, vector: $vectors[i], threshold: $thresholds[i]})
RETURN count(*) AS written
